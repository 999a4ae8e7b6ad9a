#!/usr/bin/python3
"""Makes tests/golden/rows.json: values and gradients of the rows of the tensor language, from PyTorch and NumPy. The tests
read it three ways: each case is compared as it stands and with strided inputs, its float64 cases with gradients are
checked against central differences (first and second order), and each is run compiled. So a new row needs a line here and
nothing else in the tests.

A line names the row, PyTorch's function of the tensors, and the arguments. What PyTorch 1.13 lacks is written out.
"""
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from cases import I, Maker

m = Maker(22)
R, ints, case = m.R, m.ints, m.case
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


def attempt(op, args, f, **options):
    """A case if PyTorch takes these dtypes."""
    try:
        case(op, args, f, **options)
    except (RuntimeError, TypeError, IndexError):
        pass


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

# ---- the file ----

if __name__ == "__main__":
    with open(os.path.join(here, "rows.json"), "w") as f:
        json.dump({"torch": torch.__version__, "numpy": np.__version__, "cases": m.cases}, f, separators=(",", ":"))
        f.write("\n")
    print(len(m.cases), "cases of", len({c["op"] for c in m.cases}), "rows")
