#!/usr/bin/python3
"""Makes tests/golden/conv.json: convolutions and pooling of random geometries (sizes, strides, paddings, dilations, groups), with
gradients, from PyTorch. Read by the tests as more_ops.json is."""
import os

import numpy as np
import torch
import torch.nn.functional as F

from cases import Maker, keep

m = Maker(31)
case, rng = m.case, m.rng
here = os.path.dirname(os.path.abspath(__file__))
f32, f64 = torch.float32, torch.float64
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def pick(low, high):
    return int(rng.integers(low, high + 1))


def sizes(dims, low, high):
    return [pick(low, high) for _ in range(dims)]


def convolution(dims, dtype):
    """x, weight, bias and the geometry of a convolution that fits."""
    groups = pick(1, 3) if rng.random() < 0.4 else 1
    ic, oc, n = groups * pick(1, 2), groups * pick(1, 2), pick(1, 2)
    kernel, stride, dilation = sizes(dims, 1, 3 if dims < 3 else 2), sizes(dims, 1, 3), sizes(dims, 1, 2)
    padding = [pick(0, 2 if dims < 3 else 1) for _ in range(dims)]
    image = [max(d * (k - 1) + 1 - 2 * p, 1) + pick(0, 4 if dims < 2 else 3 if dims < 3 else 1)
             for k, p, d in zip(kernel, padding, dilation)]
    x, w = m.R(n, ic, *image, dtype=dtype), m.R(oc, ic // groups, *kernel, dtype=dtype)
    bias = m.R(oc, dtype=dtype) if rng.random() < 0.5 else None
    return x, w, bias, stride, padding, dilation, groups


for i in range(200):
    dims = 1 + i % 3 if i % 4 else 2
    x, w, bias, stride, padding, dilation, groups = convolution(dims, f32 if i % 5 == 0 else f64)
    args = [x, w, "nil" if bias is None else bias, stride, padding, dilation, groups]
    op = "conv" if i % 10 == 9 else "conv%dd" % dims

    def conv(x, w, *rest, f=CONV[dims], geometry=(stride, padding, dilation, groups)):
        return f(x, w, rest[0] if rest else None, *geometry)

    case(op, args, conv)

    if i % 4 == 0:  # its two gradients as ops of their own
        y = conv(x, w)
        g = m.R(*y.shape, dtype=x.dtype)
        extra = [size - ((o - 1) * s - 2 * p + d * (k - 1) + 1) for size, o, s, p, d, k in
                 zip(x.shape[2:], y.shape[2:], stride, padding, dilation, w.shape[2:])]
        case("conv_input", [g, w, list(x.shape[2:]), stride, padding, dilation, groups],
             lambda g, w, f=TRANSPOSED[dims], e=extra, s=stride, p=padding, d=dilation, k=groups:
             f(g, w, None, s, p, e, k, d))

        def weight_gradient(x, g, f=CONV[dims], shape=w.shape, geometry=(stride, padding, dilation, groups)):
            start = torch.zeros(shape, dtype=x.dtype, requires_grad=True)
            return torch.autograd.grad(f(x, start, None, *geometry), start, g, create_graph=True)[0]

        case("conv_weight", [x, g, list(w.shape[2:]), stride, padding, dilation, groups], weight_gradient)

# more channels and positions than a block has, and images larger than the kernel in one dim only
for shape, weight, stride, padding in (((1, 3, 9, 17), (20, 3, 3, 3), 1, 1), ((1, 40, 5, 7), (3, 40, 3, 2), 2, 1),
                                       ((2, 2, 1, 150), (3, 2, 1, 5), 1, 0), ((1, 1, 30, 3), (2, 1, 7, 3), 3, 2)):
    case("conv2d", [m.R(*shape), m.R(*weight), "nil", [stride] * 2, [min(padding, k // 2) for k in weight[2:]]],
         lambda x, w, s=stride, p=[min(padding, k // 2) for k in weight[2:]]: F.conv2d(x, w, None, s, p))

for i in range(60):
    dims = 1 + i % 3
    kernel, stride = sizes(dims, 1, 3), sizes(dims, 1, 3)
    padding = [pick(0, k // 2) for k in kernel]
    ceil = bool(rng.random() < 0.4)
    image = [k + pick(0, 4 if dims < 3 else 1) for k in kernel]
    x = m.R(pick(1, 2), pick(1, 3), *image, dtype=f32 if i % 5 == 0 else f64)
    if i % 7 == 0:
        x = x.round()  # equal values: the first is taken
    dilation = sizes(dims, 1, 2) if all(s + 2 * p > 2 * (k - 1) for s, k, p in zip(image, kernel, padding)) else [1] * dims
    name = "%s_pool" if i % 10 == 9 else "%s_pool" + "%dd" % dims

    def largest(x, f=MAX[dims], a=(kernel, stride, padding, dilation, ceil)):
        y, where = f(x, a[0], a[1], a[2], a[3], a[4], True)
        return y, where + 1

    given = [x, kernel, stride, padding, dilation, ceil] + ([] if i % 10 == 9 else [True])
    case(name % "max", given, largest, grad=not (i % 7 == 0))
    count = bool(rng.random() < 0.5)
    case(name % "avg", [x, kernel, stride, padding, ceil, count],
         lambda x, f=AVG[dims], a=(kernel, stride, padding, ceil, count): f(x, *a))
    if i % 4 == 0:
        y, where = MAX[dims](x, kernel, stride, padding, dilation, ceil, True)
        g = m.R(*y.shape, dtype=x.dtype)

        def back(g, where=where, shape=x.shape):
            flat = torch.zeros(shape, dtype=g.dtype).flatten(2)
            return flat.scatter_add(2, where.flatten(2), g.flatten(2)).reshape(shape)

        case("max_pool_back", [g, where + 1, list(x.shape[2:])], lambda g, w: back(g))
        case("max_pool_pick", [x, where + 1], lambda x, w, i=where: x.flatten(2).gather(2, i.flatten(2)).reshape(i.shape))

        def spread(g, f=AVG[dims], shape=x.shape, a=(kernel, stride, padding, ceil, count)):
            start = torch.zeros(shape, dtype=g.dtype, requires_grad=True)
            return torch.autograd.grad(f(start, *a), start, g, create_graph=True)[0]

        case("avg_pool_back", [m.R(*AVG[dims](x, kernel, stride, padding, ceil, count).shape, dtype=x.dtype), list(x.shape[2:]),
                               kernel, stride, padding, ceil, count], spread)

for i in range(12):  # sums divided by a number of their own
    dims = 2 + i % 2
    x = m.R(2, 3, *[6 + (i + d) % 3 for d in range(dims)], dtype=torch.float32 if i % 5 == 0 else torch.float64)
    a = ([2 + i % 2] * dims, [1 + i % 3] * dims, [i % 2] * dims, i % 3 == 0, i % 4 != 0, 1 + i)
    case("avg_pool%dd" % dims, [x, *a], lambda x, f=AVG[dims], a=a: f(x, *a))

if __name__ == "__main__":
    keep(os.path.join(here, "conv.json"), {"torch": torch.__version__, "numpy": np.__version__, "cases": m.cases})
    print(len(m.cases), "cases of", len({c["op"] for c in m.cases}), "ops")
