#!/usr/bin/python3
"""Makes tests/golden/lecture.json: 20 training steps of every layer, loss and optimizer, the values of every schedule and
the statistics of every initializer, as PyTorch gives them (where it has them; the rest by the formula written here).

Classes and layers count from 1 in the data and from 0 in PyTorch. Run it with Debian's python3-torch.
"""
import math
import os
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cases import keep

torch.set_num_threads(1)
rng = np.random.default_rng(5)
here = os.path.dirname(os.path.abspath(__file__))
STEPS = 20


def R(*shape, lo=None, hi=None):
    a = rng.standard_normal(shape) if lo is None else rng.uniform(lo, hi, shape)
    return torch.tensor(a, dtype=torch.float32)


def ints(lo, hi, *shape):
    return torch.tensor(rng.integers(lo, hi, shape), dtype=torch.int64)


def tensor(t):
    kind = {torch.float32: "float32", torch.int64: "int64"}[t.dtype]
    flat = t.detach().reshape(-1)
    if kind == "float32":
        data = [float(np.format_float_scientific(np.float32(v), unique=True)) for v in flat]
    else:
        data = [int(v) for v in flat]
    return {"dtype": kind, "shape": list(t.shape), "data": data}


# ---- layers: x and the parameters go down the slope of the mean square to a target, 20 steps of SGD ----

layers = []


def layer(name, args, make, x, params=None, lr=0.05):
    """make: the PyTorch layer or a function of x; params: its parameters in nnlua's order; x: a tensor, or a shape, whose
    case draws its numbers apart from the others, which stay as they are when it is added or taken away."""
    global rng
    outer = rng
    if isinstance(x, tuple):
        rng = np.random.default_rng(zlib.crc32(repr((name, args)).encode()))
        x = R(*x)
    torch.manual_seed(1)
    m = make() if isinstance(make, type(lambda: 0)) and make.__code__.co_argcount == 0 else make
    ps = list(m.parameters()) if params is None and isinstance(m, nn.Module) else (params(m) if params else [])
    with torch.no_grad():
        for p in ps:
            p.copy_(R(*p.shape) * 0.3 + (0.5 if name.endswith("Norm") else 0))
    leaf = x.clone() if x.dtype == torch.int64 else x.clone().requires_grad_()
    start = [tensor(p) for p in ps]

    def run():
        out = m(leaf)
        return out[0] if isinstance(out, tuple) else out

    target = R(*run().shape)
    opt = torch.optim.SGD(ps + ([] if x.dtype == torch.int64 else [leaf]), lr=lr)
    losses = []
    for _ in range(STEPS):
        opt.zero_grad()
        loss = F.mse_loss(run(), target, reduction="sum") / len(x)
        loss.backward()
        opt.step()
        losses.append(float(loss))
    layers.append({"name": name, "args": args, "params": start, "x": tensor(x + 1 if x.dtype == torch.int64 else x),
                   "target": tensor(target), "lr": lr, "losses": losses})
    rng = outer


flat = R(6, 8)
for name, args, make in (
    ("LeakyReLU", [], nn.LeakyReLU()), ("LeakyReLU", [0.2], nn.LeakyReLU(0.2)), ("ReLU", [], nn.ReLU()),
    ("PReLU", [], nn.PReLU()), ("PReLU", [8], nn.PReLU(8)), ("ReLU6", [], nn.ReLU6()), ("ELU", [0.7], nn.ELU(0.7)),
    ("SELU", [], nn.SELU()), ("CELU", [1.5], nn.CELU(1.5)), ("GELU", [], nn.GELU()), ("GELU", ["tanh"], nn.GELU("tanh")),
    ("SiLU", [], nn.SiLU()), ("Mish", [], nn.Mish()), ("Softplus", [2], nn.Softplus(2)), ("Softsign", [], nn.Softsign()),
    ("LogSigmoid", [], nn.LogSigmoid()), ("Hardtanh", [], nn.Hardtanh()), ("Hardsigmoid", [], nn.Hardsigmoid()),
    ("Hardswish", [], nn.Hardswish()), ("Hardshrink", [], nn.Hardshrink()), ("Softshrink", [0.3], nn.Softshrink(0.3)),
    ("Tanhshrink", [], nn.Tanhshrink()), ("Threshold", [0.1, -0.5], nn.Threshold(0.1, -0.5)), ("Tanh", [], nn.Tanh()),
    ("Sigmoid", [], nn.Sigmoid()), ("Softmax", [], nn.Softmax(-1)), ("LogSoftmax", [1], nn.LogSoftmax(0)),
    ("Softmin", [], nn.Softmin(-1)), ("GLU", [], nn.GLU()), ("Identity", [], nn.Identity()), ("Flatten", [], nn.Flatten()),
):
    layer(name, args, make, flat)
layer("Linear", [8, 5], nn.Linear(8, 5), flat)
layer("BatchNorm1d", [8], nn.BatchNorm1d(8), flat)
layer("BatchNorm1d", [4], nn.BatchNorm1d(4), R(5, 4, 3))
layer("BatchNorm2d", [3], nn.BatchNorm2d(3), R(4, 3, 2, 5))
layer("LayerNorm", [8], nn.LayerNorm(8), flat)
layer("LayerNorm", [[3, 4]], nn.LayerNorm([3, 4]), R(5, 3, 4))
layer("GroupNorm", [2, 6], nn.GroupNorm(2, 6), R(3, 6, 4))
layer("InstanceNorm1d", [3], nn.InstanceNorm1d(3), R(2, 3, 6))
layer("InstanceNorm2d", [3, {"affine": True}], nn.InstanceNorm2d(3, affine=True), R(2, 3, 4, 3))
layer("LocalResponseNorm", [3], nn.LocalResponseNorm(3, 1e-4, 0.75, 1.0), R(2, 5, 3))
layer("LocalResponseNorm", [4, 0.5], nn.LocalResponseNorm(4, 0.5), R(2, 6, 3, 2))


class RMSNorm(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))

    def forward(self, x):
        return x / (x.pow(2).mean(-1, True) + 1e-5).sqrt() * self.weight


layer("RMSNorm", [8], RMSNorm(8), flat)
for name, make in (("Conv1d", nn.Conv1d),):
    layer(name, [3, 4, 3], make(3, 4, 3), R(2, 3, 7))
    layer(name, [4, 6, 2, {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}],
          make(4, 6, 2, stride=2, padding=1, dilation=2, groups=2), R(2, 4, 7))
layer("Conv2d", [2, 3, 3], nn.Conv2d(2, 3, 3), R(2, 2, 5, 4))
layer("Conv2d", [2, 4, [3, 2], {"stride": [2, 1], "padding": [1, 0], "bias": False}],
      nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), bias=False), R(2, 2, 5, 4))
layer("Conv2d", [2, 3, 3, {"padding": "same"}], nn.Conv2d(2, 3, 3, padding="same"), R(2, 2, 5, 4), lr=0.01)
layer("MaxPool1d", [2], nn.MaxPool1d(2), R(2, 3, 7))
layer("MaxPool2d", [3, {"stride": 2, "padding": 1}], nn.MaxPool2d(3, 2, 1), R(2, 2, 6, 5))
layer("AvgPool1d", [3, {"stride": 1}], nn.AvgPool1d(3, 1), R(2, 3, 7))
layer("AvgPool2d", [2, {"padding": 1}], nn.AvgPool2d(2, padding=1), R(2, 2, 6, 5))
layer("AdaptiveAvgPool2d", [[3, 1]], nn.AdaptiveAvgPool2d((3, 1)), R(2, 2, 7, 5))
layer("AdaptiveAvgPool1d", [2], nn.AdaptiveAvgPool1d(2), R(2, 2, 5))
layer("Embedding", [7, 4], nn.Embedding(7, 4), ints(0, 7, 5, 3))
for name in ("RNN", "LSTM", "GRU"):
    make = getattr(nn, name)
    layer(name, [4, 3], make(4, 3), R(5, 2, 4))
    layer(name, [4, 3, {"num_layers": 2, "bidirectional": True, "batch_first": True}],
          make(4, 3, num_layers=2, bidirectional=True, batch_first=True), R(2, 5, 4))
    layer(name + "Cell", [4, 3], getattr(nn, name + "Cell")(4, 3), R(3, 4))
layer("RNN", [4, 3, {"nonlinearity": "relu", "bias": False}], nn.RNN(4, 3, nonlinearity="relu", bias=False), R(5, 2, 4))
layer("PixelShuffle", [2], nn.PixelShuffle(2), (2, 8, 2, 3))


class Highway(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.h, self.t = nn.Linear(n, n), nn.Linear(n, n)

    def forward(self, x):
        t = torch.sigmoid(self.t(x))
        return F.relu(self.h(x)) * t + x * (1 - t)


class Maxout(nn.Module):
    def __init__(self, i, o, k):
        super().__init__()
        self.l, self.o, self.k = nn.Linear(i, o * k), o, k

    def forward(self, x):
        return self.l(x).reshape(-1, self.o, self.k).max(-1)[0]


layer("Highway", [8], Highway(8), flat)
layer("Maxout", [8, 3, 4], Maxout(8, 3, 4), flat)

# ---- losses: the input (and other float tensors named in `train`) goes down the slope ----

losses = []


def loss(name, options, make, tensors, train=(0,), lr=0.1, lua=None):
    """tensors: what the loss is called with; lua: what nnlua gets in their place."""
    leaves = [t.clone().requires_grad_(i in train) for i, t in enumerate(tensors)]
    opt = torch.optim.SGD([leaves[i] for i in train], lr=lr)
    values = []
    for _ in range(STEPS):
        opt.zero_grad()
        value = make(*leaves)
        value.sum().backward()
        opt.step()
        values.append(float(value.detach().sum()))
    opts = {k: {"t": tensor(v)} if torch.is_tensor(v) else v for k, v in options.items()}
    losses.append({"name": name, "options": opts, "tensors": [tensor(t) for t in (lua or tensors)],
                   "train": [i + 1 for i in train], "lr": lr, "losses": values})


x, y, cls = R(6, 5), R(6, 5), ints(0, 5, 6)
bits, prob = (R(6, 5) > 0).float(), R(6, 5, lo=0.1, hi=0.9)
sign = (R(6) > 0).float() * 2 - 1
w5, dist = R(5, lo=0.5, hi=2), torch.softmax(R(6, 5), 1)
for red in ("mean", "sum", "none"):
    loss("MSELoss", {"reduction": red}, nn.MSELoss(reduction=red), [x, y])
    loss("L1Loss", {"reduction": red}, nn.L1Loss(reduction=red), [x, y])
    loss("CrossEntropyLoss", {"reduction": red, "label_smoothing": 0.1, "weight": w5},
         nn.CrossEntropyLoss(reduction=red, label_smoothing=0.1, weight=w5), [x, cls], lua=[x, cls + 1])
    loss("KLDivLoss", {"reduction": red}, nn.KLDivLoss(reduction=red), [x, dist])
loss("KLDivLoss", {"reduction": "batchmean"}, nn.KLDivLoss(reduction="batchmean"), [x, dist])
loss("KLDivLoss", {"log_target": True}, nn.KLDivLoss(log_target=True), [x, torch.log(dist)])
loss("HuberLoss", {"delta": 0.7}, nn.HuberLoss(delta=0.7), [x, y])
loss("SmoothL1Loss", {"beta": 0.6}, nn.SmoothL1Loss(beta=0.6), [x, y])
loss("LogCoshLoss", {}, lambda a, b: torch.log(torch.cosh(a - b)).mean(), [x, y])
loss("QuantileLoss", {"q": 0.8}, lambda a, b: torch.maximum(0.8 * (b - a), -0.2 * (b - a)).mean(), [x, y])
count = ints(0, 6, 6, 5).float()
loss("PoissonNLLLoss", {}, nn.PoissonNLLLoss(), [x, count])
loss("PoissonNLLLoss", {"log_input": False, "full": True}, nn.PoissonNLLLoss(log_input=False, full=True),
     [R(6, 5, lo=1, hi=3), count], lr=0.05)
loss("GaussianNLLLoss", {"full": True}, nn.GaussianNLLLoss(full=True), [x, y, R(6, 5, lo=0.5, hi=2)], train=(0, 2), lr=0.02)
loss("LaplaceNLLLoss", {}, lambda a, b, s: (torch.log(s) + (a - b).abs() / s).mean(), [x, y, R(6, 5, lo=0.5, hi=2)],
     train=(0, 2), lr=0.02)
loss("NLLLoss", {"weight": w5}, nn.NLLLoss(weight=w5), [x, cls], lua=[x, cls + 1])
loss("NLLLoss", {"ignore_index": 2}, nn.NLLLoss(ignore_index=1), [x, cls], lua=[x, cls + 1])
loss("CrossEntropyLoss", {}, nn.CrossEntropyLoss(), [x, cls], lua=[x, cls + 1])
loss("CrossEntropyLoss", {"ignore_index": 3, "label_smoothing": 0.2}, nn.CrossEntropyLoss(ignore_index=2, label_smoothing=0.2),
     [x, cls], lua=[x, cls + 1])
loss("CrossEntropyLoss", {"weight": w5, "label_smoothing": 0.1}, nn.CrossEntropyLoss(weight=w5, label_smoothing=0.1), [x, dist])
image = ints(0, 5, 2, 3, 2)
xi = R(2, 5, 3, 2)
loss("CrossEntropyLoss", {}, nn.CrossEntropyLoss(), [xi, image], lua=[xi, image + 1])
loss("BCELoss", {}, nn.BCELoss(), [prob, bits], lr=0.02)
loss("BCEWithLogitsLoss", {}, nn.BCEWithLogitsLoss(), [x, bits])
loss("BCEWithLogitsLoss", {"pos_weight": w5}, nn.BCEWithLogitsLoss(pos_weight=w5), [x, bits])


def focal(a, b):
    p = torch.sigmoid(a)
    pt = p * b + (1 - p) * (1 - b)
    at = 0.25 * b + 0.75 * (1 - b)
    return (at * (1 - pt) ** 2 * F.binary_cross_entropy_with_logits(a, b, reduction="none")).mean()


loss("FocalLoss", {}, focal, [x, bits])
pm = bits * 2 - 1
loss("HingeLoss", {}, lambda a, b: F.relu(1 - a * b).mean(), [x, pm])
loss("SquaredHingeLoss", {}, lambda a, b: F.relu(1 - a * b).pow(2).mean(), [x, pm])
loss("SoftMarginLoss", {}, nn.SoftMarginLoss(), [x, pm])
loss("HingeEmbeddingLoss", {"margin": 0.5}, nn.HingeEmbeddingLoss(0.5), [x, pm])
loss("MarginRankingLoss", {"margin": 0.3}, nn.MarginRankingLoss(0.3), [R(6), R(6), sign], train=(0, 1))
loss("MultiMarginLoss", {}, nn.MultiMarginLoss(), [x, cls], lua=[x, cls + 1])
loss("MultiMarginLoss", {"p": 2, "margin": 0.7, "weight": w5}, nn.MultiMarginLoss(2, 0.7, w5), [x, cls], lua=[x, cls + 1])
listed = torch.tensor([[0, 3, -1, 2, 1], [4, -1, 0, 0, 0], [-1, 2, 2, 2, 2], [1, 2, 3, 4, 0], [2, -1, -1, -1, -1], [3, 1, -1, 0, 0]])
loss("MultiLabelMarginLoss", {}, nn.MultiLabelMarginLoss(), [x, listed], lua=[x, listed + 1])
loss("MultiLabelSoftMarginLoss", {}, nn.MultiLabelSoftMarginLoss(), [x, bits])
loss("CosineEmbeddingLoss", {"margin": 0.1}, nn.CosineEmbeddingLoss(0.1), [x, y, sign], train=(0, 1))
loss("TripletMarginLoss", {}, nn.TripletMarginLoss(), [x, y, R(6, 5)], train=(0, 1, 2))
loss("TripletMarginLoss", {"p": 1, "swap": True, "margin": 2}, nn.TripletMarginLoss(2, 1, swap=True), [x, y, R(6, 5)],
     train=(0, 1, 2), lr=0.02)

# ---- optimizers: a net 6-5-4 with tanh to a target ----

w1, w2, data, goal = R(5, 6) * 0.5, R(4, 5) * 0.5, R(12, 6), R(12, 4)


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                b1, b2 = g["betas"]
                p.mul_(1 - g["lr"] * g["weight_decay"]).sub_(g["lr"] * torch.sign(b1 * m + (1 - b1) * p.grad))
                m.mul_(b2).add_((1 - b2) * p.grad)


class NAdam(torch.optim.Optimizer):  # Dozat 2016; PyTorch 1.13's own multiplies by mu once too often
    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay))

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                s = self.state[p]
                if not s:
                    s.update(t=0, product=1.0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                s["t"] += 1
                b1, b2 = g["betas"]
                mu, after = (b1 * (1 - 0.5 * 0.96 ** (t * g["momentum_decay"])) for t in (s["t"], s["t"] + 1))
                s["product"] *= mu
                grad = p.grad + g["weight_decay"] * p
                s["m"].mul_(b1).add_((1 - b1) * grad)
                s["v"].mul_(b2).add_((1 - b2) * grad ** 2)
                denominator = (s["v"] / (1 - b2 ** s["t"])).sqrt() + g["eps"]
                p.sub_(g["lr"] * (1 - mu) / (1 - s["product"]) * grad / denominator)
                p.sub_(g["lr"] * after / (1 - s["product"] * after) * s["m"] / denominator)


class LAMB(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                s = self.state[p]
                if not s:
                    s.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                s["t"] += 1
                b1, b2 = g["betas"]
                s["m"].mul_(b1).add_((1 - b1) * p.grad)
                s["v"].mul_(b2).add_((1 - b2) * p.grad ** 2)
                r = (s["m"] / (1 - b1 ** s["t"])) / ((s["v"] / (1 - b2 ** s["t"])).sqrt() + g["eps"]) + g["weight_decay"] * p
                p.sub_(g["lr"] * p.norm() / r.norm() * r)


class SignSGD(torch.optim.Optimizer):  # Bernstein et al. 2018, algorithm 2: Signum
    def __init__(self, params, lr=1e-3, momentum=0.9, weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                m.mul_(g["momentum"]).add_((1 - g["momentum"]) * (-p.grad if g["maximize"] else p.grad))
                p.sub_(g["lr"] * (torch.sign(m) + g["weight_decay"] * p))


optimizers = []
for name, options in (
    ("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {"lr": 0.05}), ("AdamW", {"lr": 0.05, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1}), ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.01, "initial_accumulator_value": 0.1}),
    ("Adadelta", {}), ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.01}),
    ("RMSprop", {"lr": 0.01}), ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.01}),
    ("Rprop", {}), ("Rprop", {"lr": 0.02, "etas": (0.4, 1.3), "step_sizes": (1e-3, 0.1)}),
    ("Adamax", {"lr": 0.05}), ("Adamax", {"weight_decay": 0.1, "betas": (0.8, 0.9)}),
    ("NAdam", {"lr": 0.05}), ("NAdam", {"weight_decay": 0.1, "momentum_decay": 0.01}),
    ("RAdam", {"lr": 0.05}), ("RAdam", {"lr": 0.05, "betas": (0.9, 0.9), "weight_decay": 0.01}),
    ("ASGD", {"lr": 0.1}), ("ASGD", {"lr": 0.1, "lambd": 0.01, "t0": 5, "weight_decay": 0.01}),
    ("Lion", {"lr": 0.01, "weight_decay": 0.1}), ("LAMB", {"lr": 0.05}), ("LAMB", {"lr": 0.05, "weight_decay": 0.1}),
    ("SignSGD", {"lr": 0.01}), ("SignSGD", {"lr": 0.02, "momentum": 0.6, "weight_decay": 0.1}),
    ("SignSGD", {"momentum": 0, "weight_decay": 0.01, "maximize": True}),
    ("LBFGS", {"max_iter": 3, "lr": 0.5}), ("LBFGS", {"max_iter": 4, "history_size": 3, "lr": 0.3}),
):
    wide = name == "LBFGS"  # in float64: quotients of small differences would blow up float32's rounding
    a, b = (w.double().requires_grad_() if wide else w.clone().requires_grad_() for w in (w1, w2))
    x_, goal_ = (data.double(), goal.double()) if wide else (data, goal)
    kind = {"Lion": Lion, "LAMB": LAMB, "NAdam": NAdam, "SignSGD": SignSGD}.get(name) or getattr(torch.optim, name)
    opt = kind([a, b], **options)
    values = []

    def closure():
        opt.zero_grad()
        value = F.mse_loss(torch.tanh(x_ @ a.T) @ b.T, goal_)
        value.backward()
        return value

    for _ in range(STEPS):
        if name == "LBFGS":
            values.append(float(opt.step(closure)))
        else:
            values.append(float(closure()))
            opt.step()
    entry = {"name": name, "options": {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()},
             "losses": values, "end": [tensor(a.float()), tensor(b.float())]}
    if name == "ASGD":
        entry["average"] = [tensor(opt.state[p]["ax"]) for p in (a, b)]
    optimizers.append(entry)

# ---- schedules ----

S = torch.optim.lr_scheduler
schedules = []


def schedule(name, options, make, kind="SGD", steps=STEPS, feed=None):
    p = nn.Parameter(torch.zeros(1))
    opt = torch.optim.SGD([p], lr=0.5, momentum=0.9) if kind == "SGD" else torch.optim.Adam([p], lr=0.5)
    s = make(opt)
    values, momenta = [], []
    for i in range(steps):
        values.append(opt.param_groups[0]["lr"])
        momenta.append(opt.param_groups[0]["momentum"] if kind == "SGD" else opt.param_groups[0]["betas"][0])
        opt.step()
        s.step(feed[i]) if feed else s.step()
    schedules.append({"name": name, "options": options, "optimizer": kind, "lr": values, "momentum": momenta, "feed": feed or 0})


schedule("StepLR", {"step_size": 4, "gamma": 0.5}, lambda o: S.StepLR(o, 4, 0.5))
schedule("MultiStepLR", {"milestones": [3, 9]}, lambda o: S.MultiStepLR(o, [3, 9]))
schedule("ExponentialLR", {"gamma": 0.9}, lambda o: S.ExponentialLR(o, 0.9))
schedule("ConstantLR", {"factor": 0.25, "total_iters": 7}, lambda o: S.ConstantLR(o, 0.25, 7))
schedule("LinearLR", {"start_factor": 0.1, "total_iters": 8}, lambda o: S.LinearLR(o, 0.1, total_iters=8))
schedule("PolynomialLR", {"total_iters": 12, "power": 2}, lambda o: S.PolynomialLR(o, 12, 2))
schedule("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}, lambda o: S.CosineAnnealingLR(o, 10, 0.01))
schedule("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 2}, lambda o: S.CosineAnnealingWarmRestarts(o, 4, 2))
schedule("OneCycleLR", {"max_lr": 0.8, "total_steps": 21}, lambda o: S.OneCycleLR(o, 0.8, 21))
schedule("OneCycleLR", {"max_lr": 0.8, "epochs": 3, "steps_per_epoch": 7, "anneal_strategy": "linear", "pct_start": 0.4},
         lambda o: S.OneCycleLR(o, 0.8, epochs=3, steps_per_epoch=7, anneal_strategy="linear", pct_start=0.4), "Adam")
schedule("OneCycleLR", {"max_lr": 0.8, "total_steps": 21, "three_phase": True},
         lambda o: S.OneCycleLR(o, 0.8, 21, three_phase=True))
feed = [5, 4, 4.1, 4.2, 4.0, 3.9, 3.9, 3.9, 3.9, 3.9, 3.8, 3.9, 4, 4, 4, 4, 4, 4, 4, 4]
schedule("ReduceLROnPlateau", {"patience": 2, "factor": 0.5, "cooldown": 1},
         lambda o: S.ReduceLROnPlateau(o, patience=2, factor=0.5, cooldown=1), feed=feed)
schedule("Chained", {}, lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.5, 4), S.ExponentialLR(o, 0.9)]))
schedule("Sequential", {}, lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, total_iters=5), S.CosineAnnealingLR(o, 15)], [5]))

# ---- initializers: mean, deviation and largest size over a large weight ----

inits = []
torch.manual_seed(3)
shape = (600, 400)
for name, options, make in (
    ("uniform", [-0.5, 1], lambda w: nn.init.uniform_(w, -0.5, 1)), ("normal", [0.3, 0.2], lambda w: nn.init.normal_(w, 0.3, 0.2)),
    ("constant", [0.7], lambda w: nn.init.constant_(w, 0.7)), ("zeros", [], nn.init.zeros_), ("ones", [], nn.init.ones_),
    ("eye", [], nn.init.eye_), ("xavier_uniform", [], nn.init.xavier_uniform_),
    ("xavier_normal", [{"gain": 2}], lambda w: nn.init.xavier_normal_(w, 2)), ("glorot_uniform", [], nn.init.xavier_uniform_),
    ("glorot_normal", [], nn.init.xavier_normal_),
    ("he_uniform", [], lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu")),
    ("he_normal", [{"mode": "fan_out"}], lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")),
    ("kaiming_normal", [{"nonlinearity": "leaky_relu", "a": 0.5}], lambda w: nn.init.kaiming_normal_(w, 0.5)),
    ("kaiming_uniform", [{"nonlinearity": "tanh"}], lambda w: nn.init.kaiming_uniform_(w, nonlinearity="tanh")),
    ("default_linear", [], lambda w: nn.init.kaiming_uniform_(w, math.sqrt(5))),
    ("trunc_normal", [{"std": 1.5, "a": -1, "b": 2}], lambda w: nn.init.trunc_normal_(w, 0, 1.5, -1, 2)),
    ("orthogonal", [{"gain": 1.5}], lambda w: nn.init.orthogonal_(w, 1.5)),
    ("sparse", [{"sparsity": 0.3, "std": 0.2}], lambda w: nn.init.sparse_(w, 0.3, 0.2)),
    ("lecun_normal", [], lambda w: w.normal_(0, 1 / math.sqrt(400))),
    ("lecun_uniform", [], lambda w: w.uniform_(-math.sqrt(3 / 400), math.sqrt(3 / 400))),
    ("inverse_uniform", [], lambda w: w.uniform_(-1 / 400, 1 / 400)), ("small_normal", [], lambda w: w.normal_(0, 0.1)),
    ("relu_uniform", [], lambda w: w.uniform_(-math.sqrt(3 / 1000), math.sqrt(3 / 1000))),
):
    w = torch.empty(*shape)
    with torch.no_grad():
        make(w)
    inits.append({"name": name, "options": options, "mean": float(w.mean()), "std": float(w.std()),
                  "largest": float(w.abs().max()), "zeros": float((w == 0).float().mean())})

for name in ("linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
    inits.append({"name": "gain", "options": [name], "mean": nn.init.calculate_gain(name)})
inits.append({"name": "gain", "options": ["leaky_relu", 0.3], "mean": nn.init.calculate_gain("leaky_relu", 0.3)})

keep(os.path.join(here, "lecture.json"), {
    "torch": torch.__version__, "layers": layers, "losses": losses, "optimizers": optimizers,
    "net": [tensor(t) for t in (w1, w2, data, goal)], "schedules": schedules, "inits": inits})
print(len(layers), "layers,", len(losses), "losses,", len(optimizers), "optimizers,", len(schedules), "schedules,",
      len(inits), "initializers")
