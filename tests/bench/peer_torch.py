"""The workloads of workloads.lua in PyTorch. Usage: peer_torch.py THREADS; then lines "NAME STEPS" on standard input,
each answered by the microseconds a step took."""
import sys
import time

import torch
from torch import nn


def step_of(model, criterion, opt, x, y):
    def step():
        opt.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        opt.step()
        return loss

    return step


def xor():
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = torch.tensor([[0.0], [1], [1], [0]])
    return step_of(model, nn.BCEWithLogitsLoss(), torch.optim.SGD(model.parameters(), lr=0.1), x, y)


def mlp():
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))
    opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return step_of(model, nn.CrossEntropyLoss(), opt, x, y)


def deep():
    layers = []
    for _ in range(32):
        layers += [nn.Linear(64, 64), nn.Tanh()]
    model = nn.Sequential(*layers)
    x, y = torch.randn(32, 64), torch.randn(32, 64)
    return step_of(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.01), x, y)


torch.set_num_threads(int(sys.argv[1]))
steps = {name: make() for name, make in (("xor", xor), ("mlp", mlp), ("deep", deep))}
for step in steps.values():
    for _ in range(20):
        step()
print("ready", torch.__version__, flush=True)
for line in sys.stdin:
    name, count = line.split()
    step = steps[name]
    began = time.perf_counter()
    for _ in range(int(count)):
        step()
    print((time.perf_counter() - began) / int(count) * 1e6, flush=True)
