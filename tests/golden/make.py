#!/usr/bin/python3
"""Makes tests/golden/ops.json and tests/golden/training.json: what PyTorch and NumPy say that ops, layers and
optimizers give. Run it with Debian's python3-torch and python3-numpy; the files are kept in the repository.
"""
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cases import I, Maker, keep, num, tensor

m = Maker(20)
R, ints, case, cases = m.R, m.ints, m.case, m.cases
here = os.path.dirname(os.path.abspath(__file__))

f64 = torch.float64
special = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30, float("inf"), float("-inf"), float("nan"), 88.0, -88.0, 1e-40])

for name, fn in {"neg": torch.neg, "square": torch.square, "exp": torch.exp, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
                 "relu": torch.relu, "softplus": F.softplus, "abs": torch.abs, "sign": torch.sign}.items():
    for dtype in (torch.float32, f64):
        case(name, [R(3, 5, dtype=dtype)], fn)
    case(name, [special], fn, grad=False)
    case(name, [R(0, 3)], fn)
    case(name, [R()], fn)
for name, fn in {"log": torch.log, "log1p": torch.log1p, "sqrt": torch.sqrt}.items():
    for dtype in (torch.float32, f64):
        case(name, [R(3, 5, dtype=dtype, lo=0.01, hi=9)], fn)
    case(name, [special], fn, grad=False)
    case(name, [I([0, 1, 4])], lambda x, fn=fn: fn(x), grad=False)
for name in ("neg", "abs", "sign", "square"):
    case(name, [I([-3, 0, 4])], getattr(torch, name), grad=False)
    case(name, [torch.tensor([0, 3, 200], dtype=torch.uint8)], getattr(torch, name), grad=False)
case("logical_not", [I([0, 2])], torch.logical_not, grad=False)
case("logical_not", [R(4)], torch.logical_not, grad=False)

both = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum,
        "minimum": torch.minimum}
for name, fn in both.items():
    case(name, [R(3, 4), R(3, 4)], fn)
    case(name, [R(2, 1, 4), R(3, 1)], fn)
    case(name, [R(3, 4, dtype=f64), R(4)], fn)
    case(name, [I([5, -7, 0]), I([2, 3, 4])], fn, grad=False)
    case(name, [I([5, -7, 0]), R(3)], fn)
    case(name, [torch.tensor([250, 3], dtype=torch.uint8), torch.tensor([10, 2], dtype=torch.uint8)], fn, grad=False)
    case(name, [special, R(12)], fn, grad=False)
    case(name, [R(0, 4), R(4)], fn)
case("add", [R(3), 2], lambda x: x + 2)
case("add", [I([1, 2]), 2], lambda x: x + 2, grad=False)
case("add", [I([1, 2]), 2.5], lambda x: x + 2.5, grad=False)
case("sub", [2, R(3)], lambda x: 2 - x)
case("div", [1, R(3, lo=0.5, hi=2)], lambda x: 1 / x)
case("mul", [torch.tensor([True, False]), I([3, 4])], torch.mul, grad=False)
case("pow", [R(3, 4, lo=0.2, hi=3), R(4)], torch.pow)
case("pow", [R(3, 4), 2], lambda x: x ** 2)
case("pow", [R(3, 4), 3], lambda x: x ** 3)
case("pow", [R(3, lo=0.1, hi=3), 0.5], lambda x: x ** 0.5)
case("pow", [R(3), 0], lambda x: x ** 0)
case("pow", [2, R(3)], lambda x: 2 ** x)
case("pow", [I([2, -3, 1]), 3], lambda x: x ** 3, grad=False)
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    fn = getattr(torch, name)
    case(name, [R(3, 4).round(), R(4).round()], fn, grad=False)
    case(name, [I([1, 2, 3]), 2], lambda x, fn=fn: fn(x, 2), grad=False)
    case(name, [special, 0.0], lambda x, fn=fn: fn(x, 0.0), grad=False)
for name in ("logical_and", "logical_or", "logical_xor"):
    fn = getattr(torch, name)
    case(name, [torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])], fn, grad=False)
    case(name, [I([0, 1, 2, 0]), R(4)], fn, grad=False)
case("clamp", [R(3, 4), -0.5, 0.5], lambda x: x.clamp(-0.5, 0.5))
case("clamp", [R(3, 4), 0.25], lambda x: x.clamp(min=0.25))
case("clamp", [I([-5, 2, 9]), 0, 5], lambda x: x.clamp(0, 5), grad=False)
case("where", [torch.tensor([[True], [False]]), R(2, 3), R(3)], torch.where)
case("masked_fill", [R(2, 3), torch.tensor([True, False, True]), 7.5], lambda x, m: x.masked_fill(m, 7.5))
case("clone", [R(2, 3)], torch.clone)
for a in (torch.float32, f64, torch.int64, torch.uint8, torch.bool):
    for b, bname in ((torch.float32, "float32"), (f64, "float64"), (torch.int64, "int64"), (torch.bool, "bool")):
        case("to", [(R(5, lo=0, hi=9)).to(a), bname], lambda x, b=b: x.to(b), grad=False)
for dtype in (torch.float32, f64):
    case("elu", [R(3, 5, dtype=dtype)], F.elu)
case("elu", [R(3, 5), 0.5], lambda x: F.elu(x, 0.5))
case("elu", [special], F.elu, grad=False)


def batch_norm(x, w=None, b=None):
    return (F.batch_norm(x, None, None, w, b, True), x.mean(0), x.var(0, unbiased=False))


case("batch_standardize", [R(6, 3), R(3), R(3)], batch_norm)
case("batch_standardize", [R(7, 4, dtype=f64)], batch_norm)
case("batch_standardize", [R(40, 5) * 3 + 100, R(5), R(5)], batch_norm)
bn = [R(6, 3), R(6, 3), R(3)]
case("batch_standardize_backward", [bn[0], bn[1], bn[1].mean(0), bn[1].var(0, unbiased=False), bn[2]],
     lambda g, x, m, v, w: torch.autograd.grad(F.batch_norm(x.requires_grad_(), None, None, w.requires_grad_(), None, True),
                                               [x, w], g) + (g.sum(0),), grad=False)
case("tanh_backward", [R(3), R(3)], lambda g, y: g * (1 - y * y))
case("sigmoid_backward", [R(3), R(3)], lambda g, y: g * y * (1 - y))
case("relu_backward", [R(3), R(3)], lambda g, y: g * (y > 0))

for name in ("sum", "mean", "logsumexp"):
    fn = getattr(torch, name)
    full = (lambda x: torch.logsumexp(x, tuple(range(x.dim())))) if name == "logsumexp" else fn
    for dtype in (torch.float32, f64):
        case(name, [R(3, 4, 2, dtype=dtype)], full)
    case(name, [R(3, 4, 2), 2], lambda x, fn=fn: fn(x, 1))
    case(name, [R(3, 4, 2), [1, 3]], lambda x, fn=fn: fn(x, (0, 2)))
    case(name, [R(3, 4, 2), -1, True], lambda x, fn=fn: fn(x, -1, keepdim=True))
    case(name, [R(200, 3), 1], lambda x, fn=fn: fn(x, 0))
    case(name, [R(3, 300), 2], lambda x, fn=fn: fn(x, 1))
case("sum", [R(0, 3), 1], lambda x: x.sum(0))
case("sum", [R(0)], torch.sum)
case("sum", [ints(-9, 9, 3, 4), 1], lambda x: x.sum(0), grad=False)
case("sum", [torch.tensor([True, True, False])], torch.sum, grad=False)
case("prod", [R(3, 4)], torch.prod)
case("prod", [R(3, 4), 2], lambda x: x.prod(1))
case("prod", [ints(1, 5, 3, 2), 1, True], lambda x: x.prod(0, keepdim=True), grad=False)
for name in ("var", "std"):
    fn = getattr(torch, name)
    case(name, [R(3, 4)], lambda x, fn=fn: fn(x))
    case(name, [R(3, 4), 1], lambda x, fn=fn: fn(x, 0))
    case(name, [R(3, 40), 2, 0], lambda x, fn=fn: fn(x, 1, unbiased=False))
    case(name, [R(5, 3, 2, dtype=f64), [1, 3], 1, True], lambda x, fn=fn: fn(x, (0, 2), keepdim=True))
for name in ("max", "min"):
    fn = getattr(torch, name)
    case(name, [R(3, 4)], fn)
    case(name, [R(3, 4), 2], lambda x, fn=fn: fn(x, 1), shift=1)
    case(name, [R(3, 4), 1, True], lambda x, fn=fn: fn(x, 0, keepdim=True), shift=1)
    case(name, [ints(-9, 9, 7)], fn, grad=False)
    case(name, [torch.tensor([1.0, float("nan"), 3.0])], fn, grad=False)
for name in ("argmax", "argmin"):
    fn = getattr(torch, name)
    case(name, [R(3, 4)], lambda x, fn=fn: fn(x), grad=False, shift=1)
    case(name, [R(3, 4), 2], lambda x, fn=fn: fn(x, 1), grad=False, shift=1)
    case(name, [R(3, 4), 1, True], lambda x, fn=fn: fn(x, 0, keepdim=True), grad=False, shift=1)
for name in ("all", "any"):
    fn = getattr(torch, name)
    case(name, [torch.tensor([[True, False], [True, True]])], fn, grad=False)
    case(name, [torch.tensor([[True, False], [True, True]]), 2], lambda x, fn=fn: fn(x, 1), grad=False)
    case(name, [ints(0, 2, 3, 4), 1], lambda x, fn=fn: fn(x.bool(), 0), grad=False)
case("norm", [R(3, 4)], torch.norm)
case("norm", [R(3, 4), 1, 2], lambda x: x.norm(1, 1))
case("norm", [R(3, 4), 3, 1], lambda x: x.norm(3, 0))
case("norm", [R(3, 4), float("inf"), 2, True], lambda x: x.norm(float("inf"), 1, keepdim=True))

case("reshape", [R(3, 4), [2, -1]], lambda x: x.reshape(2, -1))
case("view", [R(3, 4), [4, 3]], lambda x: x.view(4, 3))
case("flatten", [R(2, 3, 4), 2], lambda x: x.flatten(1))
case("squeeze", [R(2, 1, 3, 1)], torch.squeeze)
case("squeeze", [R(2, 1, 3, 1), 2], lambda x: x.squeeze(1))
case("unsqueeze", [R(2, 3), -1], lambda x: x.unsqueeze(-1))
case("transpose", [R(2, 3, 4), 1, 3], lambda x: x.transpose(0, 2))
case("permute", [R(2, 3, 4), [3, 1, 2]], lambda x: x.permute(2, 0, 1))
case("expand", [R(3, 1), [2, 3, 4]], lambda x: x.expand(2, 3, 4))
case("select", [R(3, 4), 2, -1], lambda x: x.select(1, -1))
case("slice", [R(6, 4), 1, 2, 6, 2], lambda x: x[1:6:2])
case("slice", [R(6), 1, -3, -1], lambda x: x[-3:])
case("slice", [R(6), 1, 5, 2], lambda x: x[0:0])
case("narrow", [R(5, 4), 2, 2, 3], lambda x: x.narrow(1, 1, 3))
case("slice_zeros", [R(2, 3), 1, 2, 2, [5, 3]], lambda g: torch.zeros(5, 3).index_copy(0, torch.tensor([1, 3]), g))
case("cat", [[R(2, 3), R(1, 3)], 1], lambda l: torch.cat(l, 0))
case("cat", [[R(2, 1), R(2, 2, dtype=f64)], -1], lambda l: torch.cat(l, -1))
case("stack", [[R(2, 3), R(2, 3)], 2], lambda l: torch.stack(l, 1))
case("gather", [R(3, 4), 2, I([[1, 2], [4, 4], [3, 1]])], lambda x, i: x.gather(1, i - 1))
case("scatter_add", [R(3, 4), 2, I([[1, 1], [4, 2], [3, 3]]), R(3, 2)], lambda x, i, s: x.scatter_add(1, i - 1, s))
case("scatter_zeros", [R(3, 2), I([[1, 1], [4, 2], [3, 3]]), 2, [3, 4]],
     lambda g, i: torch.zeros(3, 4).scatter_add(1, i - 1, g))
case("index_select", [R(3, 4), 2, I([4, 1, 1])], lambda x, i: x.index_select(1, i - 1))
case("index_zeros", [R(3, 3), I([4, 1, 1]), 2, [3, 4]], lambda g, i: torch.zeros(3, 4).index_add(1, i - 1, g))
case("masked_select", [R(3, 4), torch.tensor(m.rng.random((3, 4)) < 0.5)], torch.masked_select)
case("masked_scatter", [R(3), torch.tensor([True, False, True]), R(2)], lambda x, m, s: x.masked_scatter(m, s))
case("as_strided", [R(12), [3, 2], [3, 1], 1], lambda x: x.as_strided((3, 2), (3, 1), 1))
case("strided_zeros", [R(3, 2), [3, 2], [3, 1], 1, 12],
     lambda g: torch.zeros(12).index_add(0, torch.tensor([1, 2, 4, 5, 7, 8]), g.reshape(-1)))
case("view_scatter", [R(3, 4), R(2, 2), [2, 2], [4, 1], 1],
     lambda x, v: torch.cat([torch.cat([x[:2, :1], v, x[:2, 3:]], 1), x[2:]], 0))

for dtype in (torch.float32, f64):
    case("matmul", [R(5, 7, dtype=dtype), R(7, 3, dtype=dtype)], torch.matmul)
case("matmul", [R(4), R(4)], torch.matmul)
case("matmul", [R(3, 4), R(4)], torch.matmul)
case("matmul", [R(4), R(4, 3)], torch.matmul)
case("matmul", [R(2, 3, 4), R(4, 5)], torch.matmul)
case("matmul", [R(2, 1, 3, 4), R(5, 4, 2)], torch.matmul)
case("matmul", [R(40, 70), R(70, 50)], torch.matmul)
case("matmul", [ints(-9, 9, 3, 4), ints(-9, 9, 4, 2)], torch.matmul, grad=False)
case("matmul", [R(3, 0), R(0, 2)], torch.matmul)
case("linear", [R(5, 4), R(3, 4), R(3)], F.linear)
case("linear", [R(2, 5, 4), R(3, 4)], F.linear)
case("linear", [R(33, 40), R(10, 40), R(10)], F.linear)
case("addmm", [R(3), R(2, 4), R(4, 3), 0.5, 2.0], lambda i, a, b: torch.addmm(i, a, b, beta=0.5, alpha=2.0))
case("outer", [R(3), R(4)], torch.outer)
case("softmax", [R(3, 5)], lambda x: x.softmax(-1))
case("softmax", [R(3, 5, 2), 2], lambda x: x.softmax(1))
case("softmax", [torch.tensor([[1000.0, 1001.0], [-1000.0, -1000.0]])], lambda x: x.softmax(-1))
case("log_softmax", [R(3, 5)], lambda x: x.log_softmax(-1))
case("log_softmax", [R(3, 5, 2), 1], lambda x: x.log_softmax(0))
case("softmax_backward", [R(3, 5), R(3, 5)], lambda g, y: (g - (g * y).sum(-1, True)) * y)
case("log_softmax_backward", [R(3, 5), R(3, 5)], lambda g, y: g - y.exp() * g.sum(-1, True))
for reduction in ("mean", "sum", "none"):
    case("cross_entropy", [R(6, 10), ints(1, 11, 6), reduction],
         lambda x, t, r=reduction: F.cross_entropy(x, t - 1, reduction=r))
    case("mse_loss", [R(6, 3), R(6, 3), reduction], lambda x, t, r=reduction: F.mse_loss(x, t, reduction=r))
    case("bce_with_logits", [R(6, 3), R(6, 3, lo=0, hi=1), reduction],
         lambda x, t, r=reduction: F.binary_cross_entropy_with_logits(x, t, reduction=r))
case("cross_entropy_backward", [R(), R(3, 4), I([1, 4, 2])],
     lambda g, x, t: (x.softmax(1) - F.one_hot(t - 1, 4)) * g / 3)
case("sort", [R(3, 6)], lambda x: torch.sort(x, -1), shift=1)
case("sort", [I([3, 1, 3, 1, 2]), -1, True], lambda x: torch.sort(x, dim=-1, descending=True, stable=True), grad=False, shift=1)
case("sort", [R(4, 3), 1], lambda x: torch.sort(x, 0), shift=1)
case("topk", [R(3, 6), 2], lambda x: torch.topk(x, 2), shift=1)
case("topk", [R(6, 3), 2, 1, False], lambda x: torch.topk(x, 2, 0, largest=False), shift=1)

case("zeros", [[2, 3]], lambda: torch.zeros(2, 3), grad=False)
case("ones", [[2, 3], "int64"], lambda: torch.ones(2, 3, dtype=torch.int64), grad=False)
case("full", [[2], 7], lambda: torch.full((2,), 7), grad=False)
case("full", [[2], 7.5], lambda: torch.full((2,), 7.5), grad=False)
case("zeros_like", [R(2, dtype=f64)], torch.zeros_like, grad=False)
case("ones_like", [I([1, 2])], torch.ones_like, grad=False)
case("full_like", [R(2), 3], lambda x: torch.full_like(x, 3), grad=False)
case("arange", [5], lambda: torch.arange(5), grad=False)
case("arange", [1, 2, 0.25], lambda: torch.arange(1, 2, 0.25), grad=False)
case("arange", [5, 1, -2], lambda: torch.arange(5, 1, -2), grad=False)
case("linspace", [-1, 1, 7], lambda: torch.linspace(-1, 1, 7), grad=False)
case("eye", [3, 2], lambda: torch.eye(3, 2), grad=False)
case("masked_take", [R(3, 4), torch.arange(12).reshape(3, 4) % 3 == 1, 4], torch.masked_select)
case("elu_backward", [R(3, 5), R(3, 5), R(3, 5)], lambda g, x, y: torch.where(x > 0, g, g * (y + 1)), grad=False)
case("elu_backward", [R(7), R(7), R(7), 0.5], lambda g, x, y: torch.where(x > 0, g, g * (y + 0.5)), grad=False)


# ---- trajectories: the losses of 20 steps from given weights on given data ----

def trajectory(name, layers, loss_fn, optimizer, options, x, y, lua_y=None):
    model = nn.Sequential(*layers)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.tensor(m.rng.standard_normal(p.shape) * 0.3, dtype=torch.float32))
    start = {k: tensor(v) for k, v in model.state_dict().items()}
    opt = getattr(torch.optim, optimizer)(model.parameters(), **options)
    losses = []
    for _ in range(20):
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        opt.step()
        losses.append(num(loss))
    options = {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
    model.eval()
    return {"name": name, "eval": tensor(model(x)), "optimizer": optimizer, "options": options, "start": start, "x": tensor(x),
            "y": tensor(y if lua_y is None else lua_y), "losses": losses,
            "end": {k: tensor(v) for k, v in model.state_dict().items()}}


x = R(16, 6)
labels = ints(0, 4, 16)
values = R(16, 4)
bits = (R(16, 4) > 0).float()
trajectories = []
for optimizer, options in (
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "dampening": 0.3}),
    ("Adam", {"lr": 0.01}), ("Adam", {"lr": 0.02, "betas": (0.8, 0.99), "weight_decay": 0.05}),
    ("AdamW", {"lr": 0.01}), ("AdamW", {"lr": 0.02, "weight_decay": 0.1, "eps": 1e-6}),
):
    for loss_name, target, lua_target in (("CrossEntropyLoss", labels, labels + 1), ("MSELoss", values, values),
                                          ("BCEWithLogitsLoss", bits, bits)):
        for act in ("ReLU", "Tanh", "Sigmoid"):
            if act != "Tanh" and (loss_name != "CrossEntropyLoss" or optimizer == "AdamW"):
                continue
            entry = trajectory(f"{optimizer} {options} {loss_name} {act}", [nn.Linear(6, 5), getattr(nn, act)(), nn.Linear(5, 4)],
                               getattr(nn, loss_name)(), optimizer, options, x, target, lua_target)
            entry.update(loss=loss_name, activation=act)
            trajectories.append(entry)

# no bias before batch norm: its gradient is rounding noise, which Adam would blow up
entry = trajectory("Adam, batch norm, ELU", [nn.Linear(6, 5, bias=False), nn.BatchNorm1d(5), nn.ELU(), nn.Linear(5, 4)],
                   nn.CrossEntropyLoss(), "Adam", {"lr": 0.02}, x, labels, labels + 1)
entry.update(loss="CrossEntropyLoss", layers=[["Linear", 6, 5, {"bias": False}], ["BatchNorm1d", 5], ["ELU"], ["Linear", 5, 4]])
trajectories.append(entry)
for optimizer in ("Adam", "AdamW"):
    entry = trajectory(f"{optimizer} amsgrad", [nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)], nn.CrossEntropyLoss(), optimizer,
                       {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.02, "amsgrad": True}, x, labels, labels + 1)
    entry.update(loss="CrossEntropyLoss", activation="Tanh")
    trajectories.append(entry)

# ---- ops that came later, with random numbers of their own, so that the data above stays as it is ----

m.rng = np.random.default_rng(21)
for name, fn in {"erf": torch.erf, "sin": torch.sin, "cos": torch.cos, "floor": torch.floor}.items():
    for dtype in (torch.float32, f64):
        case(name, [R(3, 5, dtype=dtype)], fn)
    if name in ("erf", "floor"):
        case(name, [special], fn, grad=False)
case("floor", [I([-3, 4])], torch.floor, grad=False)


def spd(n, dtype):
    a = R(n, n + 2, dtype=dtype)
    return a @ a.T


for dtype in (f64, torch.float32):
    case("qr", [R(5, 3, dtype=dtype)], lambda x: torch.linalg.qr(x), grad=False)
    case("svd", [R(4, 3, dtype=dtype)], lambda x: torch.linalg.svd(x, full_matrices=False), grad=False)
    case("eigh", [spd(4, dtype)], torch.linalg.eigh, grad=False)
    case("cholesky", [spd(4, dtype)], torch.linalg.cholesky, grad=False)
    case("solve", [R(4, 4, dtype=dtype) + 4 * torch.eye(4, dtype=dtype), R(4, 2, dtype=dtype)], torch.linalg.solve)
case("qr", [R(2, 3, 5, dtype=f64)], torch.linalg.qr, grad=False)
case("svd", [R(2, 3, 5, dtype=f64)], lambda x: torch.linalg.svd(x, full_matrices=False), grad=False)
case("solve", [R(3, 3, dtype=f64) + 3 * torch.eye(3, dtype=f64), R(3, dtype=f64)], torch.linalg.solve)
case("solve", [R(2, 3, 3, dtype=f64) + 3 * torch.eye(3, dtype=f64), R(2, 3, 2, dtype=f64)], torch.linalg.solve)

for name, data in (("ops", {"torch": torch.__version__, "numpy": np.__version__, "cases": cases}),
                   ("training", {"torch": torch.__version__, "trajectories": trajectories})):
    keep(os.path.join(here, name + ".json"), data)
print(len(cases), "cases,", len(trajectories), "trajectories")
