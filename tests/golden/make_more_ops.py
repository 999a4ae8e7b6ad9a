#!/usr/bin/python3
"""Makes tests/golden/more_ops.json: values and gradients of the ops of the tensor language, from PyTorch and NumPy. The tests
read it three ways: each case is compared as it stands and with strided inputs, its float64 cases with gradients are
checked against central differences (first and second order), and each is run compiled. So a new op needs a line here and
nothing else in the tests.

A line names the op, PyTorch's function of the tensors, and the arguments. What PyTorch 1.13 lacks is written out.
"""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from cases import I, Maker, keep

m = Maker(22)
R, ints, case, attempt = m.R, m.ints, m.case, m.attempt
here = os.path.dirname(os.path.abspath(__file__))
f32, f64, i64, u8, b8 = torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool
inf, nan = float("inf"), float("nan")
special = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30, inf, -inf, nan, 88.0, -88.0, 1e-40, 0.5, -0.5, 1.5, 2.5])


def B(values):
    return torch.tensor(values, dtype=b8)


def D(*shape, lo=None, hi=None):
    return R(*shape, dtype=f64, lo=lo, hi=hi)


def whole(dtype, *shape):
    if dtype == b8:
        return torch.tensor(m.rng.random(shape) < 0.5)
    return torch.tensor(m.rng.integers(0 if dtype == u8 else -9, 10, shape), dtype=dtype)


def each(op, f, lo=None, hi=None, grad=True, extremes=True, wholes=True):
    """A function of each element: float32 and float64, whole numbers, no elements, 0 dims, and what lies at the ends."""
    for dtype in (f32, f64):
        case(op, [R(2, 4, dtype=dtype, lo=lo, hi=hi)], f, grad=grad)
    case(op, [R(0, 3)], f, grad=False)
    case(op, [D(lo=lo, hi=hi)], f, grad=grad)
    if extremes:
        case(op, [special], f, grad=False)
        case(op, [special.to(f64)], f, grad=False)
    if wholes:
        for dtype in (i64, u8, b8):
            attempt(op, [whole(dtype, 3)], f, grad=False)


def pair(op, f, lo=None, hi=None, floats=True, wholes=True, grad=True, extremes=True):
    """A function of two operands, broadcast."""
    if floats:
        for dtype in (f32, f64):
            case(op, [R(2, 3, dtype=dtype, lo=lo, hi=hi), R(2, 3, dtype=dtype, lo=lo, hi=hi)], f, grad=grad)
        case(op, [D(2, 1, 3, lo=lo, hi=hi), D(2, 1, lo=lo, hi=hi)], f, grad=grad)
        attempt(op, [R(2, 3, dtype=f32, lo=lo, hi=hi), D(3, lo=lo, hi=hi)], f, grad=False)
        case(op, [R(0, 3), R(3)], f, grad=False)
        case(op, [D(lo=lo, hi=hi), D(lo=lo, hi=hi)], f, grad=grad)
        if extremes:
            case(op, [special.reshape(16, 1).repeat(1, 16).reshape(-1), special.repeat(16)], f, grad=False)
    if wholes:
        for dtype in (i64, u8, b8):
            a, b = whole(dtype, 2, 3), whole(dtype, 3)
            b = b + (b == 0).to(dtype) if dtype != b8 else b
            attempt(op, [a, b], f, grad=False)


# ---- math ----

for name in ("exp2", "expm1", "asinh", "atan", "sinh", "cosh", "erfc", "sinc", "tan"):
    each(name, getattr(torch, name), -1.3, 1.3, extremes=name != "tan")
each("cbrt", lambda x: x.sign() * x.abs() ** (1 / 3), 0.3, 2, extremes=False, wholes=False)
case("cbrt", [torch.tensor([-8.0, 0.0, 27.0], dtype=f64)], lambda x: torch.tensor([-2.0, 0.0, 3.0], dtype=f64), grad=False)
for name in ("log2", "log10", "rsqrt", "reciprocal", "lgamma", "digamma"):
    each(name, getattr(torch, name), 0.3, 4, extremes=name not in ("lgamma", "digamma"))
each("acosh", torch.acosh, 1.2, 3)
for name in ("asin", "acos", "atanh", "erfinv"):
    each(name, getattr(torch, name), -0.9, 0.9)
case("digamma", [torch.tensor([-0.5, -3.3, 0.01, 30.0, inf], dtype=f64)], torch.digamma, grad=False)
case("lgamma", [torch.tensor([-0.5, -3.3, 0.01, 30.0, inf, 1e10], dtype=f64)], torch.lgamma, grad=False)
for name in ("ceil", "round", "trunc", "frac"):
    each(name, getattr(torch, name), -3, 3)
for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit"):
    each(name, getattr(torch, name), grad=False)
for dtype in (i64, u8, b8):
    case("bitwise_not", [whole(dtype, 2, 3)], torch.bitwise_not, grad=False)
pair("atan2", torch.atan2)
pair("hypot", torch.hypot, extremes=False, wholes=False)
for name in ("fmod", "remainder"):
    pair(name, getattr(torch, name), 0.6, 4, extremes=False)
    case(name, [torch.tensor([-5.5, 5.5, -5.5, 6.0, inf]), torch.tensor([2.0, -2.0, -2.0, inf, 3.0])], getattr(torch, name), grad=False)
    case(name, [I([-7, 7, -7, 7]), I([3, -3, -3, 3])], getattr(torch, name), grad=False)
pair("floor_divide", torch.floor_divide, 0.6, 4, extremes=False, grad=False)
case("floor_divide", [I([-7, 7, -7, 7]), I([3, -3, -3, 3])], torch.floor_divide, grad=False)
case("floor_divide", [torch.tensor([-7.0, 7.5, -7.0, 1.0]), torch.tensor([3.0, -3.0, 0.0, 0.1])], torch.floor_divide, grad=False)
for name in ("logaddexp", "logaddexp2"):
    pair(name, getattr(torch, name), wholes=False)
for name in ("xlogy", "xlog1py"):
    pair(name, getattr(torch.special, name), 0.3, 2, wholes=False)
pair("copysign", torch.copysign, 0.3, 2)
case("copysign", [torch.tensor([1.0, -2.0, 3.0], dtype=f64), torch.tensor([-0.0, 5.0, -1.0], dtype=f64)], torch.copysign, grad=False)
pair("nextafter", torch.nextafter, grad=False, wholes=False)
for name in ("fmax", "fmin"):
    pair(name, getattr(torch, name))
pair("heaviside", lambda x, y: torch.tensor(np.heaviside(x.numpy(), y.numpy())), grad=False, wholes=False)  # nan stays nan
pair("heaviside", torch.heaviside, floats=False)
for name in ("gcd", "lcm"):
    pair(name, getattr(torch, name), floats=False)
for name in ("and", "or", "xor"):
    pair("bitwise_" + name, getattr(torch, "bitwise_" + name), floats=False)
case("bitwise_left_shift", [I([1, -5, 7]), I([0, 3, 40])], torch.bitwise_left_shift, grad=False)
case("bitwise_right_shift", [I([1, -5, 1 << 50]), I([0, 1, 40])], torch.bitwise_right_shift, grad=False)
for name in ("left", "right"):
    case(f"bitwise_{name}_shift", [torch.tensor([200, 5], dtype=u8), torch.tensor([1, 2], dtype=u8)],
         getattr(torch, f"bitwise_{name}_shift"), grad=False)
for n in (1, 2, 4):
    case("polygamma", [n, D(4, lo=0.4, hi=6)], lambda x, n=n: torch.polygamma(n, x))
case("polygamma", [1, torch.tensor([-0.5, -2.3, 0.01, 30.0], dtype=f64)], lambda x: torch.polygamma(1, x), grad=False)
case("clamp_between", [D(3, 4), -0.5, 0.5], lambda x: x.clamp(-0.5, 0.5))
for dtype in (i64, u8):
    case("clamp_between", [whole(dtype, 5), 0, 5], lambda x: x.clamp(0, 5), grad=False)
case("clamp", [D(3, 4), -0.5, 0.5], lambda x: x.clamp(-0.5, 0.5))
case("clamp", [D(3, 4), D(4, lo=-1, hi=0), D(3, 1, lo=0, hi=1)], lambda x, a, b: x.clamp(a, b))
case("clamp", [D(3, 4), "nil", D(4)], lambda x, b: x.clamp(max=b))
case("logit", [D(3, 4, lo=0.1, hi=0.9)], torch.logit)
case("logit", [D(3, 4, lo=0, hi=1), 0.2], lambda x: torch.logit(x, 0.2))
each("softclip", torch.tanh)
for limit in (0.5, 3):
    case("softclip", [D(3, 4), limit], lambda x, k=limit: k * torch.tanh(x / k))
case("softclip", [special, 2.5], lambda x: 2.5 * torch.tanh(x / 2.5), grad=False)
case("softclip", [I([-7, 0, 2]), 2], lambda x: 2 * torch.tanh(x / 2), grad=False)
each("deg2rad", torch.deg2rad)
each("rad2deg", torch.rad2deg)
case("lerp", [D(2, 3), D(3), 0.3], lambda x, y: torch.lerp(x, y, 0.3))
case("lerp", [D(2, 3), D(2, 3), D(2, 3)], torch.lerp)
case("addcmul", [D(2, 3), D(3), D(2, 1), 0.5], lambda x, y, z: torch.addcmul(x, y, z, value=0.5))
case("addcdiv", [D(2, 3), D(3), D(2, 1, lo=0.5, hi=2), 0.5], lambda x, y, z: torch.addcdiv(x, y, z, value=0.5))
case("polygamma", [0, D(4, lo=0.4, hi=6)], lambda x: torch.polygamma(0, x), grad=False)
each("nan_to_num", torch.nan_to_num)
case("nan_to_num", [special, 1, 2, 3], lambda x: torch.nan_to_num(x, 1, 2, 3), grad=False)
near = D(2, 3)
case("isclose", [near, near + torch.tensor([0, 1e-9, 1.0], dtype=f64)], torch.isclose, grad=False)
case("isclose", [special, special], torch.isclose, grad=False)
case("isclose", [special, special, 0.1, 0.1, True], lambda x, y: torch.isclose(x, y, 0.1, 0.1, True), grad=False)
case("isclose", [I([1, 2]), I([1, 3])], torch.isclose, grad=False)
case("float_power", [R(2, 3, lo=0.3, hi=2), R(3)], torch.float_power)
case("float_power", [D(2, 3, lo=0.3, hi=2), D(3)], torch.float_power)
case("float_power", [I([2, 3]), -1], lambda x: torch.float_power(x, -1), grad=False)
case("ldexp", [D(2, 3), I([1, -2, 3])], lambda x, y: torch.ldexp(x, y.to(f64)))
case("entr", [D(2, 3, lo=0.1, hi=2)], torch.special.entr)
case("entr", [special], torch.special.entr, grad=False)
case("ndtr", [D(2, 3)], torch.special.ndtr)

# ---- activations ----

for name, f in {"leaky_relu": F.leaky_relu, "relu6": F.relu6, "selu": F.selu, "celu": F.celu, "gelu": F.gelu, "silu": F.silu,
                "mish": F.mish, "softsign": F.softsign, "hardtanh": F.hardtanh, "hardsigmoid": lambda x: F.relu6(x + 3) / 6,  # PyTorch's own gradient has 1/6 as a float32
               
                "hardswish": F.hardswish, "tanhshrink": F.tanhshrink, "softshrink": F.softshrink,
                "hardshrink": F.hardshrink, "logsigmoid": F.logsigmoid}.items():
    each(name, f, -2.5, 2.5, extremes=name in ("leaky_relu", "relu6", "logsigmoid", "hardtanh"), wholes=False)
case("leaky_relu", [D(5), 0.2], lambda x: F.leaky_relu(x, 0.2))
case("prelu", [D(2, 3, 2), D(3)], F.prelu)
case("prelu", [D(4), D(1)], F.prelu)
case("celu", [D(5), 0.5], lambda x: F.celu(x, 0.5))
case("gelu", [D(5), "tanh"], lambda x: F.gelu(x, approximate="tanh"))
case("hardtanh", [D(5), -0.5, 0.25], lambda x: F.hardtanh(x, -0.5, 0.25))
case("softshrink", [D(5), 0.3], lambda x: F.softshrink(x, 0.3))
case("hardshrink", [D(5), 0.3], lambda x: F.hardshrink(x, 0.3))
case("threshold", [D(5), 0.1, 20], lambda x: F.threshold(x, 0.1, 20))
case("glu", [D(3, 4)], F.glu)
case("glu", [D(4, 3), 1], lambda x: F.glu(x, 0))
case("softmin", [D(3, 4)], lambda x: F.softmin(x, -1))
case("softmin", [D(3, 4), 1], lambda x: F.softmin(x, 0))
case("stop_gradient", [R(3)], torch.clone, grad=False)

each("gelu_erf", F.gelu, -2.5, 2.5, extremes=False, wholes=False)

# ---- reductions and scans ----

for name in ("amax", "amin"):
    f = getattr(torch, name)
    case(name, [D(3, 4)], f)
    case(name, [D(3, 4), 2], lambda x, f=f: f(x, 1))
    case(name, [D(2, 3, 4), [1, 3], True], lambda x, f=f: f(x, (0, 2), keepdim=True))
    case(name, [torch.tensor([[1.0, 2.0, 2.0], [0.0, nan, 1.0]]), 2], lambda x, f=f: f(x, 1), grad=False)
    case(name, [whole(i64, 3, 4), 1], lambda x, f=f: f(x, 0), grad=False)
case("aminmax", [D(3, 4)], lambda x: (torch.amin(x), torch.amax(x)))
case("aminmax", [D(3, 4), 2, True], lambda x: (torch.amin(x, 1, True), torch.amax(x, 1, True)))
for x in (D(5), D(6)):
    case("median", [x], torch.median)
    case("nanmedian", [x], torch.nanmedian)
case("median", [D(3, 4), 2], lambda x: tuple(torch.median(x, 1)), shift=1)
case("median", [D(3, 5), 1, True], lambda x: tuple(torch.median(x, 0, keepdim=True)), shift=1)
case("median", [whole(i64, 7)], torch.median, grad=False)
holes = torch.tensor([[1.0, nan, 3.0, 2.0], [nan, 5.0, 4.0, nan]], dtype=f64)
case("median", [holes], torch.median, grad=False)
case("nanmedian", [holes], torch.nanmedian, grad=False)
case("nanmedian", [holes, 2], lambda x: tuple(torch.nanmedian(x, 1)), grad=False, shift=1)
case("mode", [I([[2, 1, 2, 3], [5, 5, 1, 1]])], lambda x: (torch.mode(x, -1)[0], I([3, 4])), grad=False)
case("mode", [torch.tensor([3.0, 1.0, 2.0], dtype=f64), 1, True], lambda x: (torch.mode(x, 0, True)[0], I([2])))
case("mode_index", [I([[2, 1, 2, 3], [5, 5, 1, 1]])], lambda x: I([[3], [4]]), grad=False)
for name in ("quantile", "nanquantile"):
    f = getattr(torch, name)
    case(name, [D(7), 0.3], lambda x, f=f: f(x, 0.3))
    case(name, [D(3, 6), torch.tensor([0.1, 0.5, 1.0], dtype=f64), 2], lambda x, q, f=f: f(x, q.detach(), dim=1), grad=False)
    case(name, [D(3, 6), 0.25, 1, True], lambda x, f=f: f(x, 0.25, dim=0, keepdim=True))
    for how in ("lower", "higher", "midpoint", "nearest"):
        case(name, [D(3, 6), 0.37, 2, False, how], lambda x, f=f, how=how: f(x, 0.37, dim=1, interpolation=how))
    case(name, [holes, 0.4, 2], lambda x, f=f: f(x, 0.4, dim=1), grad=False)
for name in ("nansum", "nanmean"):
    f = getattr(torch, name)
    case(name, [D(3, 4)], f)
    case(name, [holes], f, grad=False)
    case(name, [holes, 2, True], lambda x, f=f: f(x, 1, keepdim=True), grad=False)
case("nansum", [whole(i64, 4)], torch.nansum, grad=False)
for dtype in (f32, f64, i64, u8, b8):
    case("count_nonzero", [whole(dtype, 3, 4) if dtype in (i64, u8, b8) else R(3, 4, dtype=dtype).round()], torch.count_nonzero, grad=False)
case("count_nonzero", [whole(i64, 3, 4), 2], lambda x: torch.count_nonzero(x, 1), grad=False)
for name in ("var_mean", "std_mean"):
    f = getattr(torch, name)
    case(name, [D(3, 4)], lambda x, f=f: f(x, unbiased=True))
    case(name, [D(3, 4), 2], lambda x, f=f: f(x, 1))
    case(name, [D(3, 4), 1, 0, True], lambda x, f=f: f(x, 0, unbiased=False, keepdim=True))
for name in ("cumsum", "cumprod", "logcumsumexp"):
    f = getattr(torch, name)
    for dtype in (f32, f64):
        case(name, [R(3, 5, dtype=dtype)], lambda x, f=f: f(x, -1))
    case(name, [D(4, 2, 3), 1], lambda x, f=f: f(x, 0))
    case(name, [R(0, 3), 1], lambda x, f=f: f(x, 0), grad=False)
    case(name, [D()], lambda x, f=f: f(x, 0))
    if name != "logcumsumexp":
        for dtype in (i64, u8, b8):
            case(name, [whole(dtype, 5)], lambda x, f=f: f(x, 0), grad=False)
case("cumprod", [torch.tensor([2.0, 0.0, 3.0, 0.0, 4.0], dtype=f64)], lambda x: torch.cumprod(x, 0))
case("logcumsumexp", [torch.tensor([-1000.0, 1000.0, 1000.0, -inf])], lambda x: torch.logcumsumexp(x, 0), grad=False)
case("cumsum_reverse", [D(3, 4), 2], lambda x: torch.flip(torch.cumsum(torch.flip(x, (1,)), 1), (1,)))
for name in ("cummax", "cummin"):
    f = getattr(torch, name)
    case(name, [D(3, 5)], lambda x, f=f: tuple(f(x, -1)), shift=1)
    case(name, [D(5, 3), 1], lambda x, f=f: tuple(f(x, 0)), shift=1)
    case(name, [torch.tensor([1.0, 3.0, nan, 2.0])], lambda x, f=f: tuple(f(x, 0)), grad=False, shift=1)
    case(name, [I([2, 2, 1, 3, 3])], lambda x, f=f: (f(x, 0)[0], f(x, 0)[1] + 1), grad=False)


def linear_scan(x, a, dim, reverse=False):
    xs, as_ = x.unbind(dim), a.unbind(dim)
    order = range(len(xs))[::-1] if reverse else range(len(xs))
    out, last = [None] * len(xs), None
    for k in order:
        last = xs[k] if last is None else xs[k] + as_[k] * last
        out[k] = last
    return torch.stack(out, dim)


case("linear_scan", [D(3, 4), D(3, 4)], lambda x, a: linear_scan(x, a, -1))
case("linear_scan", [D(4, 2), D(4, 2), 1, True], lambda x, a: linear_scan(x, a, 0, True))
case("diff", [D(3, 5)], torch.diff)
case("diff", [D(5, 3), 2, 1], lambda x: torch.diff(x, 2, 0))
case("diff", [B([True, False, False])], torch.diff, grad=False)
case("trapezoid", [D(3, 5)], torch.trapezoid)
case("trapezoid", [D(5, 3), "nil", 0.5, 1], lambda x: torch.trapezoid(x, dx=0.5, dim=0))
case("trapezoid", [D(3, 5), D(5)], lambda y, x: torch.trapezoid(y, x))
case("histc", [R(50), 10], lambda x: torch.histc(x, 10), grad=False)
case("histc", [R(50), 4, -1, 1], lambda x: torch.histc(x, 4, -1, 1), grad=False)
case("bincount", [I([1, 3, 3, 5])], lambda x: torch.bincount(x - 1), grad=False)
case("bincount", [I([1, 3, 3]), D(3), 6], lambda x, w: torch.bincount(x - 1, w, 6), grad=False)
for p in (0, -inf, -1, 0.5):
    case("norm", [D(3, 4, lo=0.3, hi=2), "-inf" if p == -inf else p, 2], lambda x, p=p: torch.linalg.vector_norm(x, p, 1))

# ---- shapes ----

grid = R(2, 3)
for dtype in (f32, i64, b8):
    g = grid.to(dtype)
    case("flip", [g], lambda x: torch.flip(x, (0, 1)), grad=False)
    case("roll", [g, 2], lambda x: torch.roll(x, 2), grad=False)
    case("tile", [g, [2, 2]], lambda x: torch.tile(x, (2, 2)), grad=False)
    case("tril", [g], torch.tril, grad=False)
    case("pad", [g, [1, 2]], lambda x: F.pad(x, (1, 2)), grad=False)
case("flip", [D(2, 3), 2], lambda x: torch.flip(x, (1,)))
case("flip", [D()], lambda x: torch.flip(x, ()))
case("fliplr", [D(2, 3)], torch.fliplr)
case("flipud", [D(2, 3)], torch.flipud)
case("roll", [D(3, 4), [1, -2], [1, 2]], lambda x: torch.roll(x, (1, -2), (0, 1)))
case("roll", [D(3, 4), -1], lambda x: torch.roll(x, -1))
for k in (0, 1, 2, 3):
    case("rot90", [D(2, 3), k], lambda x, k=k: torch.rot90(x, k))
case("rot90", [D(2, 3, 2), 1, [2, 3]], lambda x: torch.rot90(x, 1, (1, 2)))
case("tile", [D(2, 3), [2, 1, 2]], lambda x: torch.tile(x, (2, 1, 2)))
case("tile", [D(2, 3), 2], lambda x: torch.tile(x, (2,)))
case("repeat_interleave", [D(2, 3), 2], lambda x: torch.repeat_interleave(x, 2))
case("repeat_interleave", [D(2, 3), 2, 2], lambda x: torch.repeat_interleave(x, 2, 1))
case("repeat_interleave", [D(3, 2), I([2, 0, 1]), 1], lambda x, r: torch.repeat_interleave(x, r, 0))
case("repeat_index", [I([2, 0, 1]), 3], lambda r: I([1, 1, 3]), grad=False)
case("unflatten", [D(2, 6), 2, [2, -1]], lambda x: x.reshape(2, 2, 3))
case("moveaxis", [D(2, 3, 4), 1, 3], lambda x: torch.moveaxis(x, 0, 2))
case("moveaxis", [D(2, 3, 4), [1, 2], [-1, 1]], lambda x: torch.moveaxis(x, (0, 1), (-1, 0)))
case("swapaxes", [D(2, 3, 4), 1, 3], lambda x: torch.swapaxes(x, 0, 2))
case("broadcast_to", [D(3, 1), [2, 3, 4]], lambda x: torch.broadcast_to(x, (2, 3, 4)))
case("expand_as", [D(3, 1), D(2, 3, 4)], lambda x, y: x.expand_as(y))
case("reshape_as", [D(6), D(2, 3)], lambda x, y: x.reshape_as(y))
case("ravel", [D(2, 3)], torch.ravel)
for n, f in ((1, torch.atleast_1d), (2, torch.atleast_2d), (3, torch.atleast_3d)):
    for shape in ((), (3,), (2, 3)):
        case(f"atleast_{n}d", [D(*shape)], f)
case("unbind", [D(2, 3), 2], lambda x: torch.unbind(x, 1))
case("split", [D(5, 2), 2], lambda x: torch.split(x, 2))
case("split", [D(2, 5), [1, 4], 2], lambda x: torch.split(x, (1, 4), 1))
case("chunk", [D(5, 2), 3], lambda x: torch.chunk(x, 3))
case("tensor_split", [D(7), 3], lambda x: torch.tensor_split(x, 3))
case("tensor_split", [D(2, 7), [1, 5], 2], lambda x: torch.tensor_split(x, (1, 5), 1))
case("hsplit", [D(2, 6), 3], lambda x: torch.hsplit(x, 3))
case("vsplit", [D(6, 2), [2, 5]], lambda x: torch.vsplit(x, (2, 5)))
case("dsplit", [D(2, 2, 4), 2], lambda x: torch.dsplit(x, 2))
for name in ("hstack", "vstack", "dstack", "column_stack"):
    f = getattr(torch, name)
    case(name, [[D(3), D(3)]], lambda l, f=f: f(l))
    case(name, [[D(2, 3), D(2, 3)]], lambda l, f=f: f(l))
case("block_diag", [[D(2, 3), D(3), D(1, 1)]], lambda l: torch.block_diag(*l))
case("broadcast_tensors", [[D(2, 1), D(3)]], lambda l: torch.broadcast_tensors(*l))
case("meshgrid", [[D(2), D(3), D(2)]], lambda l: torch.meshgrid(*l, indexing="ij"))
case("meshgrid", [[D(2), D(3)], "xy"], lambda l: torch.meshgrid(*l, indexing="xy"))
case("cartesian_prod", [[D(2), D(3)]], lambda l: torch.cartesian_prod(*l))
case("cartesian_prod", [[D(2)]], lambda l: torch.cartesian_prod(*l))
for k in (-1, 0, 1, 3):
    case("diagonal", [D(3, 4), k], lambda x, k=k: torch.diagonal(x, k))
    case("diag", [D(3, 4), k], lambda x, k=k: torch.diag(x, k))
    case("tril", [D(3, 4), k], lambda x, k=k: torch.tril(x, k))
    case("triu", [D(2, 3, 4), k], lambda x, k=k: torch.triu(x, k))
for k in (-1, 0, 2):
    case("diag", [D(3), k], lambda x, k=k: torch.diag(x, k))
    case("diag_embed", [D(2, 3), k], lambda x, k=k: torch.diag_embed(x, k))
case("diagonal", [D(2, 3, 4), 1, 1, 3], lambda x: torch.diagonal(x, 1, 0, 2))
case("diag_embed", [D(2, 3), 0, 1, 3], lambda x: torch.diag_embed(x, 0, 0, 2))
case("diag_embed", [I([1, 2])], torch.diag_embed, grad=False)
case("trace", [D(3, 3)], torch.trace)
case("diagonal_scatter", [D(3, 4), D(3)], torch.diagonal_scatter)
case("diagonal_scatter", [D(3, 4), D(3), 1], lambda x, y: torch.diagonal_scatter(x, y, 1))
case("pad", [D(2, 3), [1, 2, 0, 1]], lambda x: F.pad(x, (1, 2, 0, 1)))
case("pad", [D(2, 3), [1, -1], "constant", 1.5], lambda x: F.pad(x, (1, -1), value=1.5))
for mode in ("reflect", "replicate", "circular"):
    case("pad", [D(2, 3, 4), [2, 1], mode], lambda x, mode=mode: F.pad(x, (2, 1), mode=mode))
    case("pad", [D(1, 2, 3, 4), [2, 1, 1, 2], mode], lambda x, mode=mode: F.pad(x, (2, 1, 1, 2), mode=mode))
case("unfold", [D(7), 1, 3, 2], lambda x: x.unfold(0, 3, 2))
case("unfold", [D(2, 5, 3), 2, 2], lambda x: x.unfold(1, 2, 1))
case("select_scatter", [D(2, 3), D(2), 2, -1], lambda x, y: torch.select_scatter(x, y, 1, -1))
case("slice_scatter", [D(5, 2), D(2, 2), 1, 2, 5, 2], lambda x, y: torch.slice_scatter(x, y, 0, 1, 5, 2))
case("vander", [D(3)], lambda x: x[:, None] ** torch.arange(2, -1, -1))
case("vander", [D(3, lo=0.5, hi=2), 4, True], lambda x: x[:, None] ** torch.arange(4))
case("combinations", [D(4)], torch.combinations)
case("combinations", [D(4), 3, True], lambda x: torch.combinations(x, 3, True))
case("tril_indices", [3, 4, 1], lambda: torch.tril_indices(3, 4, 1) + 1, grad=False)
case("triu_indices", [3], lambda: torch.triu_indices(3, 3) + 1, grad=False)
case("triu_indices", [3, 4, -1], lambda: torch.triu_indices(3, 4, -1) + 1, grad=False)

# ---- picking and placing ----

case("take", [D(2, 3), I([[6, 1], [1, 2]])], lambda x, i: torch.take(x, i - 1))
case("take_along_dim", [D(2, 3), I([[3], [1]]), 2], lambda x, i: torch.take_along_dim(x, i - 1, 1))
case("take_along_dim", [D(2, 3), I([[2, 1, 1]]), 1], lambda x, i: torch.take_along_dim(x, i - 1, 0))
places = I([[1, 2], [4, 3], [3, 1]])
case("scatter", [D(3, 4), 2, places, D(3, 2)], lambda x, i, s: x.scatter(1, i - 1, s))
case("scatter", [D(3, 4), 2, places, D(3, 4)], lambda x, i, s: x.scatter(1, i - 1, s[:, :2]))
case("scatter", [D(3, 4), 2, places, 2.5], lambda x, i: x.scatter(1, i - 1, 2.5))
case("scatter", [I([1, 2, 3]), 1, I([3, 1]), I([8, 9])], lambda x, i, s: x.scatter(0, i - 1, s), grad=False)
for reduce in ("sum", "prod", "mean", "amax", "amin"):
    for self in (True, False):
        case("scatter_reduce", [D(3, 4, lo=0.5, hi=2), 2, I([[1, 1], [4, 2], [3, 3]]), D(3, 2, lo=0.5, hi=2), reduce, self],
             lambda x, i, s, r=reduce, self=self: x.scatter_reduce(1, i - 1, s, r, include_self=self))
case("index_add", [D(3, 4), 2, I([4, 1, 1]), D(3, 3)], lambda x, i, s: x.index_add(1, i - 1, s))
case("index_add", [D(3), 1, I([2, 2]), D(2), 0.5], lambda x, i, s: x.index_add(0, i - 1, s, alpha=0.5))
case("index_copy", [D(3, 4), 2, I([4, 1]), D(3, 2)], lambda x, i, s: x.index_copy(1, i - 1, s))
case("index_fill", [D(3, 4), 2, I([4, 1]), 1.5], lambda x, i: x.index_fill(1, i - 1, 1.5))
case("index", [D(3, 4), I([[1, 3], [2, 2]])], lambda x, i: x[i - 1])
case("index", [D(3, 4, 2), I([[1], [3]]), I([4, -1])], lambda x, i, j: x[i - 1, torch.where(j < 0, j + 4, j - 1)])
case("index_put", [D(3, 4), D(2), I([1, 3]), I([4, 2])], lambda x, v, i, j: x.index_put((i - 1, j - 1), v))
case("index_put", [D(3, 4), D(4), I([1, 3])], lambda x, v, i: x.index_put((i - 1,), v))
case("index_put", [D(3, 4), 2.5, I([1, 3]), I([4, 2])], lambda x, i, j: x.index_put((i - 1, j - 1), torch.tensor(2.5, dtype=f64)))
case("index_put", [D(3), D(3), I([1, 1, 2]), "nil", "nil", "nil", True], lambda x, v, i: x.index_put((i - 1,), v, accumulate=True))
case("index_places", [I([[1], [3]]), I([4, -1]), "nil", "nil", [3, 4]], lambda i, j: I([[4, 4], [12, 12]]), grad=False)
for dtype in (f32, i64, u8, b8):
    case("nonzero", [torch.tensor([[0, 3, 0], [1, 0, 2]]).to(dtype)], lambda x: torch.nonzero(x) + 1, grad=False)
case("argsort", [R(3, 5)], lambda x: torch.argsort(x) + 1, grad=False)
case("argsort", [R(5, 3), 1, True], lambda x: torch.argsort(x, 0, True) + 1, grad=False)
case("kthvalue", [D(3, 5), 2], lambda x: tuple(torch.kthvalue(x, 2)), shift=1)
case("kthvalue", [D(5, 3), 4, 1, True], lambda x: tuple(torch.kthvalue(x, 4, 0, True)), shift=1)
steps = torch.tensor([1.0, 3.0, 3.0, 5.0])
for right in (False, True):
    case("searchsorted", [steps, torch.tensor([[0.0, 3.0], [4.0, 9.0]]), right],
         lambda s, v, r=right: torch.searchsorted(s, v, right=r) + 1, grad=False)
    case("bucketize", [torch.tensor([0.0, 3.0, 9.0]), steps, right], lambda v, s, r=right: torch.bucketize(v, s, right=r) + 1, grad=False)
case("searchsorted", [I([[1, 3], [2, 4]]), I([[2], [4]])], lambda s, v: torch.searchsorted(s, v) + 1, grad=False)
case("isin", [I([[1, 2], [3, 4]]), I([3, 1])], torch.isin, grad=False)
case("isin", [R(4).round(), R(3).round(), True], lambda x, y: torch.isin(x, y, invert=True), grad=False)
for x in (I([3, 1, 3, 2]), torch.tensor([[0.5, 0.5], [-1.0, 0.5]]), torch.tensor([3, 3, 1], dtype=u8)):
    case("unique", [x], lambda x: (lambda v, i, c: (v, i + 1, c))(*torch.unique(x, return_inverse=True, return_counts=True)), grad=False)
    case("unique_consecutive", [x], lambda x: (lambda v, i, c: (v, i + 1, c))(*torch.unique_consecutive(x, return_inverse=True, return_counts=True)), grad=False)
case("one_hot", [I([[1, 3], [2, 1]]), 4], lambda x: F.one_hot(x - 1, 4), grad=False)
case("one_hot", [I([1, 3])], lambda x: F.one_hot(x - 1), grad=False)
case("class_range", [I([1, 3])], lambda x: I([1, 2, 3]), grad=False)

# ---- products ----

case("bmm", [D(2, 3, 4), D(2, 4, 2)], torch.bmm)
case("mv", [D(3, 4), D(4)], torch.mv)
case("mm", [D(3, 4), D(4, 2)], torch.mm)
case("dot", [D(4), D(4)], torch.dot)
case("vdot", [D(2, 3), D(2, 3)], lambda x, y: torch.vdot(x.reshape(-1), y.reshape(-1)))
case("inner", [D(2, 3), D(4, 3)], torch.inner)
case("tensordot", [D(2, 3, 4), D(3, 4, 2)], torch.tensordot)
case("tensordot", [D(2, 3, 4), D(4, 2, 3), [1, 2], [2, 3]], lambda x, y: torch.tensordot(x, y, ([0, 1], [1, 2])))
case("tensordot", [D(2), D(3), 0], lambda x, y: torch.tensordot(x, y, 0))
case("kron", [D(2, 3), D(3, 2)], torch.kron)
case("kron", [D(2), D(3, 2)], torch.kron)
case("cross", [D(4, 3), D(4, 3)], lambda x, y: torch.linalg.cross(x, y))
case("cross", [D(3, 2), D(3, 2), 1], lambda x, y: torch.linalg.cross(x, y, dim=0))
case("baddbmm", [D(3, 2), D(2, 3, 4), D(2, 4, 2), 0.5, 2.0], lambda i, x, y: torch.baddbmm(i, x, y, beta=0.5, alpha=2.0))
case("addbmm", [D(3, 2), D(2, 3, 4), D(2, 4, 2)], torch.addbmm)
case("addmv", [D(3), D(3, 4), D(4), 0.5, 2.0], lambda i, x, y: torch.addmv(i, x, y, beta=0.5, alpha=2.0))
case("addr", [D(3, 4), D(3), D(4)], torch.addr)
for n in (0, 1, 5, -2):
    case("matrix_power", [D(3, 3) + 2 * torch.eye(3, dtype=f64), n], lambda x, n=n: torch.linalg.matrix_power(x, n), grad=n != 0)
case("multi_dot", [[D(5, 2), D(2, 6), D(6, 3), D(3)]], lambda l: torch.linalg.multi_dot(l))
for p in (2.0, 1.0, 3.0):
    case("cdist", [D(3, 2), D(4, 2), p], lambda x, y, p=p: torch.cdist(x, y, p))
case("cdist", [D(2, 3, 2), D(2, 4, 2)], torch.cdist)
case("pdist", [D(4, 3)], F.pdist)
case("pairwise_distance", [D(3, 4), D(3, 4)], F.pairwise_distance)
case("dist", [D(3, 4), D(4), 3], lambda x, y: torch.dist(x, y, 3))
case("cosine_similarity", [D(3, 4), D(3, 4)], F.cosine_similarity)
case("cosine_similarity", [D(3, 4), D(4), 2], lambda x, y: F.cosine_similarity(x, y, 1))
case("normalize", [D(3, 4)], F.normalize)
case("normalize", [D(3, 4), 1, 1], lambda x: F.normalize(x, 1, 0))
case("cov", [D(3, 5)], torch.cov)
case("cov", [D(5), 0], lambda x: torch.cov(x, correction=0))
case("corrcoef", [D(3, 5)], torch.corrcoef)

# ---- linear algebra ----


def spd(n, *batch):
    a = D(*batch, n, n + 2)
    return a @ a.transpose(-1, -2) + torch.eye(n, dtype=f64)


def square(n, *batch):
    return D(*batch, n, n) + 3 * torch.eye(n, dtype=f64)


case("eigh", [spd(4)], torch.linalg.eigh)
case("eigh_lower", [spd(3)], torch.linalg.eigh, grad=False)
case("eigvalsh", [spd(3, 2)], torch.linalg.eigvalsh)
case("cholesky", [spd(4)], torch.linalg.cholesky)
case("cholesky", [spd(3, 2)], torch.linalg.cholesky)
case("cholesky_lower", [spd(4)], torch.linalg.cholesky, grad=False)
case("cholesky_solve", [D(3, 2), torch.linalg.cholesky(spd(3))], lambda y, l: torch.cholesky_solve(y, torch.tril(l)))
case("cholesky_inverse", [torch.linalg.cholesky(spd(3))], lambda l: torch.linalg.inv(torch.tril(l) @ torch.tril(l).T))
for upper in (False, True):
    case("solve_triangular", [square(3), D(3, 2), upper], lambda t, y, u=upper: torch.linalg.solve_triangular(t, y, upper=u), grad=False)
case("solve_triangular", [torch.tril(square(3, 2)), D(2, 3, 2)], lambda t, y: torch.linalg.solve_triangular(torch.tril(t), y, upper=False))
case("solve_triangular", [torch.triu(square(3)), D(3, 2), True, True],
     lambda t, y: torch.linalg.solve_triangular(torch.triu(t).T, y, upper=False))
case("solve_triangular", [torch.tril(square(3)), D(3, 2), False, False, True],
     lambda t, y: torch.linalg.solve_triangular(torch.tril(t, -1) + torch.eye(3, dtype=f64), y, upper=False))
case("slogdet", [square(3)], lambda x: tuple(torch.linalg.slogdet(x)), grad=False)
case("slogdet", [torch.zeros(2, 2, dtype=f64)], lambda x: tuple(torch.linalg.slogdet(x)), grad=False)
case("det", [square(3)], torch.linalg.det)
case("det", [D(2, 3, 3)], torch.linalg.det)
case("det", [torch.ones(2, 2, dtype=f64)], torch.linalg.det, grad=False)
case("logdet", [spd(3)], torch.logdet)
case("inv", [square(3)], torch.linalg.inv)
case("inv", [square(2, 3)], torch.linalg.inv)
for shape in ((4, 2), (2, 4), (3, 3)):
    case("pinv", [D(*shape)], torch.linalg.pinv)
case("pinv", [torch.outer(D(3), D(2))], torch.linalg.pinv, grad=False)
case("lstsq", [D(5, 2), D(5, 3)], lambda x, y: (torch.linalg.pinv(x) @ y, ((x @ torch.linalg.lstsq(x, y)[0] - y) ** 2).sum(0)))
case("lstsq", [D(5, 2), D(5)], lambda x, y: (torch.linalg.pinv(x) @ y, ((x @ torch.linalg.pinv(x) @ y - y) ** 2).sum(0)))


def eig(x):
    values, vectors = np.linalg.eig(x.numpy())
    t = lambda a: torch.tensor(np.array(a, dtype=np.float64))
    return t(values.real), t(values.imag), t(vectors.real), t(vectors.imag)


case("eig", [torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.25, 2.0]], dtype=f64)], eig, grad=False)
case("eig", [D(4, 4)], eig, grad=False)
case("eigvals", [D(4, 4)], lambda x: eig(x)[:2], grad=False)
case("lu", [D(4, 4)], lambda x: tuple(torch.linalg.lu(x)), grad=False)
case("svdvals", [D(4, 3)], torch.linalg.svdvals)
case("matrix_rank", [torch.outer(D(3), D(2))], torch.linalg.matrix_rank, grad=False)
case("matrix_rank", [D(2, 3, 4)], torch.linalg.matrix_rank, grad=False)
for ord in ("fro", "nuc", 1, -1, 2, -2, inf, -inf):
    word = {inf: "inf", -inf: "-inf"}.get(ord, ord)
    case("matrix_norm", [D(2, 3, 3), word], lambda x, o=ord: torch.linalg.matrix_norm(x, o))
    case("cond", [square(3), word],
         lambda x, o=ord: torch.linalg.matrix_norm(x, o) * torch.linalg.matrix_norm(torch.linalg.inv(x), o))
case("matrix_norm", [D(3, 3), "fro", True], lambda x: torch.linalg.matrix_norm(x, keepdim=True))
case("matrix_exp", [D(3, 3)], torch.linalg.matrix_exp)
case("matrix_exp", [20 * D(2, 2, 2)], torch.linalg.matrix_exp, grad=False)
case("qr", [D(4, 3)], lambda x: torch.linalg.qr(x))
case("qr", [D(3, 3)], lambda x: torch.linalg.qr(x)[::1])
case("svd", [D(4, 3)], lambda x: torch.linalg.svd(x, full_matrices=False), grad=False)

each("spacing", lambda x: torch.tensor(np.spacing(x.numpy())), grad=False, wholes=False)

# ---- every dtype, no elements, no dims: ops of one tensor that are not functions of an element ----


def everywhere(op, f, *rest, shapes=((2, 3), (0, 3), ()), shift=0):
    for shape in shapes:
        for dtype in (f32, f64, i64, u8, b8):
            x = R(*shape, dtype=dtype) if dtype in (f32, f64) else whole(dtype, *shape)
            attempt(op, [x, *rest], f, grad=False, shift=shift)


for name in ("ravel", "atleast_1d", "atleast_2d", "atleast_3d", "count_nonzero", "fliplr", "flipud", "trace"):
    everywhere(name, getattr(torch, name))
everywhere("flip", lambda x: torch.flip(x, tuple(range(x.dim()))))
everywhere("roll", lambda x: torch.roll(x, 2), 2)
everywhere("tile", lambda x: torch.tile(x, (2, 1)), [2, 1])
everywhere("rot90", torch.rot90, shapes=((2, 3), (0, 3)))
everywhere("tril", torch.tril, shapes=((2, 3), (0, 3)))
everywhere("triu", torch.triu, shapes=((2, 3), (0, 3)))
everywhere("diagonal", torch.diagonal, shapes=((2, 3), (0, 3)))
everywhere("diag_embed", torch.diag_embed, shapes=((2, 3), (0, 3)))
everywhere("unbind", torch.unbind, shapes=((2, 3), (2, 0)))
everywhere("split", lambda x: torch.split(x, 2), 2, shapes=((3, 2), (3, 0)))
everywhere("chunk", lambda x: torch.chunk(x, 2), 2, shapes=((3, 2), (3, 0)))
everywhere("tensor_split", lambda x: torch.tensor_split(x, 2), 2, shapes=((3, 2), (0, 2)))
everywhere("unfold", lambda x: x.unfold(0, 2, 1), 1, 2, shapes=((3, 2), (2, 0)))
everywhere("moveaxis", lambda x: torch.moveaxis(x, 0, 1), 1, 2, shapes=((2, 3), (0, 3)))
everywhere("swapaxes", lambda x: torch.swapaxes(x, 0, 1), 1, 2, shapes=((2, 3), (0, 3)))
everywhere("broadcast_to", lambda x: torch.broadcast_to(x, (2, 0, 3)) if x.numel() == 0 else torch.broadcast_to(x, (2, 2, 3)), [2, 2, 3],
           shapes=((2, 3), ()))
everywhere("pad", lambda x: F.pad(x, (1, 0)), [1, 0], shapes=((2, 3), (2, 0)))
everywhere("repeat_interleave", lambda x: torch.repeat_interleave(x, 2), 2)
everywhere("unflatten", lambda x: x.reshape(x.shape[0], 3, 1), 2, [3, 1], shapes=((2, 3), (0, 3)))
everywhere("cumsum", lambda x: torch.cumsum(x, 0), 1, shapes=((2, 3), (0, 3), ()))
everywhere("cumprod", lambda x: torch.cumprod(x, 0), 1, shapes=((2, 3), (0, 3), ()))
for name in ("amax", "amin"):
    everywhere(name, getattr(torch, name), shapes=((2, 3), ()))
everywhere("diff", torch.diff, shapes=((2, 3), (0, 3)))
everywhere("nansum", lambda x: torch.nansum(x))
everywhere("nonzero", lambda x: torch.nonzero(x) + 1)
everywhere("argsort", lambda x: torch.sort(x, dim=-1, stable=True)[1] + 1, shapes=((2, 4),))
everywhere("unique", lambda x: (lambda v, i, c: (v, i + 1, c))(*torch.unique(x, return_inverse=True, return_counts=True)))
everywhere("vander", lambda x: x[:, None] ** torch.arange(x.shape[0] - 1, -1, -1), shapes=((3,),))
for dtype in (f32, f64, i64, u8, b8):
    x = R(2, 3, dtype=dtype) if dtype in (f32, f64) else whole(dtype, 2, 3)
    attempt("take", [x, I([6, 1])], lambda x, i: torch.take(x, i - 1), grad=False)
    attempt("index", [x, I([2, 1]), I([3, 3])], lambda x, i, j: x[i - 1, j - 1], grad=False)
    attempt("index_put", [x, x[0, :2].clone(), I([2, 1]), I([3, 1])], lambda x, v, i, j: x.index_put((i - 1, j - 1), v), grad=False)
    attempt("index_copy", [x, 2, I([3, 1]), x[:, :2].clone()], lambda x, i, s: x.index_copy(1, i - 1, s), grad=False)
    attempt("scatter", [x, 2, I([[2], [1]]), x[:, :1].clone()], lambda x, i, s: x.scatter(1, i - 1, s), grad=False)
    attempt("take_along_dim", [x, I([[2], [1]]), 2], lambda x, i: torch.take_along_dim(x, i - 1, 1), grad=False)
    attempt("masked_select", [x, B([[True, False, True], [False, False, True]])], torch.masked_select, grad=False)
    attempt("vstack", [[x, x]], torch.vstack, grad=False)
    attempt("block_diag", [[x, x]], lambda l: torch.block_diag(*l), grad=False)
    attempt("meshgrid", [[x[0], x[1]]], lambda l: torch.meshgrid(*l, indexing="ij"), grad=False)
    attempt("isin", [x, x[0].clone()], torch.isin, grad=False)
    if dtype != b8:
        attempt("searchsorted", [torch.sort(x[0])[0], x[1].clone()], lambda s, v: torch.searchsorted(s, v) + 1, grad=False)
        attempt("kthvalue", [torch.arange(6).reshape(2, 3).to(dtype), 2], lambda x: tuple(torch.kthvalue(x, 2)), grad=False, shift=1)
        attempt("scatter_reduce", [x, 2, I([[2], [1]]), x[:, :1].clone(), "amax"],
             lambda x, i, s: x.scatter_reduce(1, i - 1, s, "amax"), grad=False)
        attempt("index_add", [x, 2, I([3, 1]), x[:, :2].clone()], lambda x, i, s: x.index_add(1, i - 1, s), grad=False)
        attempt("kron", [x, x], torch.kron, grad=False)
        attempt("cross", [x, x.flip(0).contiguous()], lambda x, y: torch.cross(x, y, dim=-1), grad=False)
    if dtype not in (b8, u8):  # products of uint8 would wrap at 256: an error here
        attempt("dot", [x[0].clone(), x[1].clone()], torch.dot, grad=False)
        attempt("tensordot", [x, x, [2], [2]], lambda x, y: torch.tensordot(x, y, ([1], [1])), grad=False)

# ---- promotion: every pair of dtypes, with dims, without, and with numbers ----

for a in (b8, u8, i64, f32, f64):
    for b in (b8, u8, i64, f32, f64):
        case("maximum", [torch.ones(2, dtype=a), torch.ones(2, dtype=b)], torch.maximum, grad=False)
        case("where", [B([True, False]), torch.ones(2, dtype=a), torch.ones((), dtype=b)],
             lambda c, x, y: torch.where(c, x.to(torch.result_type(x, y)), y.to(torch.result_type(x, y))), grad=False)
        case("maximum", [torch.ones((), dtype=a), torch.ones((), dtype=b)], torch.maximum, grad=False)
    for number in (2, 2.5, True):
        case("sub" if a != b8 and number is not True else "add" if number is not True else "mul",
             [torch.ones(2, dtype=a), number],
             lambda x, k=number, a=a: x - k if a != b8 and k is not True else x + k if k is not True else x * k, grad=False) \
            if not (a == b8 and number is True) else None

# ---- written in Lua ----

for equation, shapes in {
    "ij,jk->ik": [(2, 3), (3, 4)], "bij,bjk->bik": [(2, 3, 4), (2, 4, 2)], "ij->ji": [(2, 3)], "ii": [(3, 3)], "ii->i": [(3, 3)],
    "ij": [(2, 3)], "ba": [(2, 3)], "ij->": [(2, 3)], "i,j": [(2,), (3,)], "i,i": [(3,), (3,)], "...ij,...jk": [(2, 3, 4), (4, 5)],
    "b...i,ij->...bj": [(2, 3, 4), (4, 2)], "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)], "iij,jk->ik": [(3, 3, 2), (2, 4)],
    "abc,cd,de,ef->abf": [(2, 2, 3), (3, 2), (2, 4), (4, 2)], "i...,i...->...": [(3, 2, 2), (3, 2, 2)], "ij,ij,ij->j": [(2, 3)] * 3,
    "bn,anm,bm->ba": [(2, 3), (4, 3, 5), (2, 5)], " i j , j k -> k i ": [(2, 3), (3, 4)], "...,...->...": [(2, 1, 3), (4, 1)],
}.items():
    case("einsum", [equation] + [D(*s) for s in shapes], lambda *l, e=equation: torch.einsum(e, *l))

# ---- the file ----

if __name__ == "__main__":
    keep(os.path.join(here, "more_ops.json"), {"torch": torch.__version__, "numpy": np.__version__, "cases": m.cases,
                                               "refused": sorted(m.refused)})
    print(len(m.cases), "cases of", len({c["op"] for c in m.cases}), "ops;", len(m.refused), "refused by PyTorch")
