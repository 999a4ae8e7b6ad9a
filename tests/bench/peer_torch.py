"""The workloads of workloads.lua in PyTorch. Usage: peer_torch.py THREADS; then lines "NAME STEPS" on standard input,
each answered by the microseconds a step took. NAME may be "grown:BATCH:WIDTH:DEPTH", or "memory:..." for bytes."""
import gzip
import os
import subprocess
import sys
import time

import torch
from torch import nn

from peer_examples import EXAMPLES
from peer_step import step_of


def mlp(widths, between):
    layers = []
    for i in range(1, len(widths)):
        layers.append(nn.Linear(widths[i - 1], widths[i]))
        if i < len(widths) - 1:
            layers += between(widths[i])
    return nn.Sequential(*layers)


def classifier(widths, batch, between, optimizer):
    model = mlp(widths, between)
    x, y = torch.randn(batch, widths[0]), torch.randint(0, widths[-1], (batch,))
    return step_of(model, nn.CrossEntropyLoss(), optimizer(model.parameters()), x, y)


def momentum(p):
    return torch.optim.SGD(p, lr=0.01, momentum=0.9)


def relu(_):
    return [nn.ReLU()]


def norm_dropout(n):
    return [nn.BatchNorm1d(n), nn.ReLU(), nn.Dropout(0.5)]


def w1():
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = torch.tensor([[0.0], [1], [1], [0]])
    return step_of(model, nn.BCEWithLogitsLoss(), torch.optim.SGD(model.parameters(), lr=0.1), x, y)


def w2():
    return classifier([784, 256, 128, 10], 128, relu, momentum)


def w3():
    return classifier([784, 512, 512, 256, 10], 128, norm_dropout, torch.optim.Adam)


def w4():
    return classifier([1024, 4096, 4096, 10], 512, relu, momentum)


def deep(activation, optimizer):
    layers = []
    for _ in range(32):
        layers += [nn.Linear(64, 64), activation()]
    model = nn.Sequential(*layers)
    x, y = torch.randn(32, 64), torch.randn(32, 64)
    return step_of(model, nn.MSELoss(), optimizer(model.parameters()), x, y)


def w5():
    return deep(nn.Tanh, lambda p: torch.optim.SGD(p, lr=0.01))


def w5b():
    return deep(nn.ELU, torch.optim.Adam)


def w7():
    model = nn.Linear(64, 1)
    x, y = torch.randn(32, 64), (torch.rand(32, 1) > 0.5).float()
    return step_of(model, nn.BCEWithLogitsLoss(), torch.optim.SGD(model.parameters(), lr=0.1), x, y)


def images(model, batch, channels, size):
    x, y = torch.randn(batch, channels, size, size), torch.randint(0, 10, (batch,))
    return step_of(model, nn.CrossEntropyLoss(), momentum(model.parameters()), x, y)


def w6():
    return images(nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)), 64, 1, 28)


def w8():
    layers, before = [], 3
    for after in (32, 64, 128):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        before = after
    return images(nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 10)), 64, 3, 32)


def sequence(layer):
    head = nn.Linear(128, 10)
    x, y = torch.randn(50, 32, 64), torch.randint(0, 10, (32,))
    opt = torch.optim.Adam(list(layer.parameters()) + list(head.parameters()))
    return step_of(lambda v: head(layer(v)[0][-1]), nn.CrossEntropyLoss(), opt, x, y)


def w13():
    return images(nn.Sequential(
        nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.ReLU(), nn.Conv2d(32, 64, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(64, 10)), 32, 32, 32)


def grown(batch, width, depth):
    layers, n = [], 64
    for _ in range(depth):
        layers += [nn.Linear(n, width), nn.ReLU()]
        n = width
    model = nn.Sequential(*layers, nn.Linear(n, 10))
    x, y = torch.randn(batch, 64), torch.randint(0, 10, (batch,))
    return step_of(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.001), x, y)


def fashion():
    """Fashion-MNIST's training set from Debian's package."""
    root = os.environ.get("NNLUA_DATA", "/usr/share/datasets/fashion-mnist")
    with gzip.open(root + "/train-images-idx3-ubyte.gz") as f:
        x = torch.frombuffer(bytearray(f.read()[16:]), dtype=torch.uint8).reshape(-1, 784).float() / 255
    with gzip.open(root + "/train-labels-idx1-ubyte.gz") as f:
        return x, torch.frombuffer(bytearray(f.read()[8:]), dtype=torch.uint8).long()


def epoch_of(name):
    if name == "plain":
        widths, between, optimizer = [784, 256, 128, 10], relu, momentum
    else:
        widths, between, optimizer = [784, 512, 512, 256, 10], norm_dropout, torch.optim.Adam
    model = mlp(widths, between)
    opt, criterion = optimizer(model.parameters()), nn.CrossEntropyLoss()
    x, y = fashion()

    def epoch():
        order, total, right = torch.randperm(len(x)), 0.0, 0
        for at in range(0, len(x), 128):
            ids = order[at:at + 128]
            xb, yb = x[ids], y[ids]
            opt.zero_grad()
            out = model(xb)
            loss = criterion(out, yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(yb)
            right += (out.argmax(1) == yb).sum().item()
        return total, right

    return epoch


def memory(batch, width, depth):
    """Bytes of tensors that one step adds at most: measured by a fresh process's resident memory, parameters and
    gradients included."""
    code = ("import io, sys\nsys.argv = ['x', '1']\nsys.stdin = io.StringIO('')\nexec(open(%r).read())\n"
            "resident = lambda: 4096 * int(open('/proc/self/statm').read().split()[1])\n"
            "grown(%d, 16, 1)()\nbefore = resident()\nstep = grown(%d, %d, %d)\nstep()\nstep()\n"
            "print(resident() - before)")
    out = subprocess.run([sys.executable, "-c", code % (__file__, batch, batch, width, depth)], capture_output=True,
                         text=True)
    return float(out.stdout.split()[-1])


def op_of(name, n):
    """One row of language.lua on n elements."""
    F = nn.functional
    if name.startswith("call:"):
        a, b = torch.tensor([1.0]), torch.tensor([2.0])
        a.requires_grad_("recorded" in name)
        what = name[5:].strip("_").split(",")[0]
        return {"a_+_b": lambda: a + b, "a:exp()": lambda: a.exp(), "a:sum()": lambda: a.sum()}[what]
    x, y = torch.randn(n), torch.randn(n)
    m = x.reshape(n // 1000, 1000)
    i = torch.randint(0, 1000, m.shape) if name in ("gather", "scatter_add") else None
    rows = torch.randint(0, n // 1000, (n // 1000,))
    mask, zeros = x > 0, torch.zeros_like(m)
    return {
        "clone": lambda: x.clone(), "add": lambda: x + y, "mul_number": lambda: x * 2.5, "relu": lambda: x.relu(),
        "exp": lambda: x.exp(), "tanh": lambda: x.tanh(), "sin": lambda: x.sin(), "erf": lambda: x.erf(),
        "log1p": lambda: x.log1p(), "gelu": lambda: F.gelu(x), "where": lambda: torch.where(mask, x, y),
        "to_float64": lambda: x.double(), "sum": lambda: x.sum(), "sum_rows": lambda: m.sum(1), "sum_columns": lambda: m.sum(0),
        "max": lambda: x.max(), "max_rows": lambda: m.max(1), "argmax_rows": lambda: m.argmax(1), "var_rows": lambda: m.var(1),
        "prod_rows": lambda: m.prod(1), "softmax": lambda: m.softmax(1), "transpose_copy": lambda: m.t().contiguous(),
        "cumsum_rows": lambda: m.cumsum(1), "cumsum_columns": lambda: m.cumsum(0), "cumsum": lambda: x.cumsum(0),
        "sort": lambda: x.sort(), "sort_rows": lambda: m.sort(1), "topk": lambda: x.topk(10), "topk_rows": lambda: m.topk(10, 1),
        "gather": lambda: m.gather(1, i), "scatter_add": lambda: zeros.scatter_add(1, i, m),
        "index_select": lambda: m.index_select(0, rows),
    }[name]


def w12():
    """A transformer block of width 128, 4 heads, length 64, batch 16, AdamW."""
    model = nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
    x, y = torch.randn(16, 64, 128), torch.randn(16, 64, 128)
    return step_of(model, nn.MSELoss(), torch.optim.AdamW(model.parameters()), x, y)


makers = {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W5b": w5b, "W7": w7, "W6": w6, "W8": w8,
          "W9": lambda: sequence(nn.LSTM(64, 128)), "W10": lambda: sequence(nn.GRU(64, 128)),
          "W11": lambda: sequence(nn.RNN(64, 128)), "W12": w12, "W13": w13, **EXAMPLES}
steps = {}


def step_named(name):
    if name.startswith("op:"):
        if name not in steps:
            steps.clear()  # one at a time: ten million elements are large
            op, n = name[3:].rsplit(":", 1)
            steps[name] = op_of(op, int(n))
            steps[name]()
        return steps[name]
    if name.startswith("grown:"):
        return grown(*map(int, name.split(":")[1:]))
    if name.startswith("epoch:") and name not in steps:
        steps[name] = epoch_of(name[6:])
    if name not in steps:
        steps[name] = makers[name]()
        for _ in range(2):
            steps[name]()
    return steps[name]


torch.set_num_threads(int(sys.argv[1]))
print("ready PyTorch", torch.__version__, flush=True)
for line in sys.stdin:
    name, count = line.split()
    if name.startswith("memory:"):
        print(memory(*map(int, name.split(":")[1:])), flush=True)
        continue
    step = step_named(name)
    if name.startswith("grown:"):
        step()
    began = time.perf_counter()
    for _ in range(int(count)):
        step()
    print((time.perf_counter() - began) / int(count) * 1e6, flush=True)
