#!/usr/bin/python3
"""Makes tests/golden/nets.json: attention, recurrent layers over time, transposed convolutions, adaptive pooling, other sizes
and columns, of random geometries, from PyTorch. Read by the tests as more_ops.json is."""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from cases import I, Maker, keep

m = Maker(37)
case, rng, R = m.case, m.rng, m.R
here = os.path.dirname(os.path.abspath(__file__))
f32, f64 = torch.float32, torch.float64
geometry = np.random.default_rng(41)


def pick(low, high):
    return int(geometry.integers(low, high + 1))


def chance(p):
    return bool(geometry.random() < p)


# ---- attention ----
def attention(q, k, v, mask=None, causal=False, scale=None):
    scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
    if causal:
        scores = scores.masked_fill(~torch.ones(scores.shape[-2:], dtype=torch.bool).tril(), float("-inf"))
    return torch.softmax(scores, -1) @ v


for i in range(40):
    dtype = f32 if i % 5 == 0 else f64
    lead = [pick(1, 3) for _ in range(pick(0, 2))]
    rows, keys, e, ev = (pick(1, 6), pick(1, 6), pick(1, 5), pick(1, 5)) if i % 8 else (pick(60, 70), pick(250, 300), 2, 1)
    q, k, v = R(*lead, rows, e, dtype=dtype), R(*lead, keys, e, dtype=dtype), R(*lead, keys, ev, dtype=dtype)
    if lead and i % 7 == 0:  # one for all heads
        k = R(*[1] * len(lead), keys, e, dtype=dtype)
    mask, causal, scale = "nil", chance(0.3), 0.7 if chance(0.2) else "nil"
    kind = i % 3
    if kind == 1:
        mask = torch.tensor(geometry.random((rows, keys)) < 0.7)
        mask[:, 0] = True
    elif kind == 2:
        mask = R(*(lead if chance(0.5) else [1] * len(lead)), rows if chance(0.5) else 1, keys, dtype=dtype)
    case("scaled_dot_product_attention", [q, k, v, mask, 0, causal, scale],
         lambda q, k, v, *rest, c=causal, s=None if scale == "nil" else scale: attention(q, k, v, rest[0] if rest else None, c, s))
    if i % 4 == 0:
        g = R(*attention(q, k, v).shape, dtype=dtype)
        mask_of = None if mask == "nil" else mask

        def parts(q, k, v, mask=mask_of, causal=causal, scale=None if scale == "nil" else scale):
            s = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
            if mask is not None:
                s = s.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else s + mask
            if causal:
                s = s.masked_fill(~torch.ones(s.shape[-2:], dtype=torch.bool).tril(), float("-inf"))
            most = s.max(-1).values
            return torch.stack((most, torch.logsumexp(s - most[..., None], -1)))

        lse = parts(q, k, v)
        out = attention(q, k, v, mask_of, causal, None if scale == "nil" else scale)
        delta = (g * out).sum(-1)
        leaves = [t.expand(*lead, *t.shape[-2:]).clone().requires_grad_() for t in (q, k, v)]
        grads = torch.autograd.grad(attention(*leaves, mask_of, causal, None if scale == "nil" else scale), leaves, g)
        case("attention_backward", [g, q, k, v, mask, lse, delta, I([0, 0]), 0, causal, scale],
             lambda *_, grads=grads: grads, grad=False)
case("attention_kept", [I([3, 4]), 0, [2, 3]], lambda s: torch.ones(2, 3), grad=False)
case("attention_kept", [I([3, 4]), 1, [2, 3], "float64"], lambda s: torch.zeros(2, 3, dtype=f64), grad=False)


# ---- recurrence: what is left when the input's products are done ----
def blocks(t, n):
    return t.split(n, -1)


def sequence(kind, z, weight, bias=None, h=None, c=None, lengths=None, reverse=False, relu=False, extra=None):
    steps, batch, n = z.shape[0], z.shape[1], weight.shape[1]
    h = torch.zeros(batch, n, dtype=z.dtype) if h is None else h
    c = torch.zeros(batch, n, dtype=z.dtype) if c is None else c
    hs, cs, gates = [None] * steps, [None] * steps, [None] * steps
    for t in (range(steps - 1, -1, -1) if reverse else range(steps)):
        p = h @ weight.T + (0 if bias is None else bias) + (0 if extra is None else extra[t])
        if kind == "rnn":
            new_h, new_c, gate = (torch.relu if relu else torch.tanh)(z[t] + p), c, None
        elif kind == "lstm":
            i, f, g, o = blocks(z[t] + p, n)
            i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
            new_c = f * c + i * g
            new_h, gate = o * torch.tanh(new_c), torch.cat([i, f, g, o], -1)
        else:
            (zr, zu, zn), (pr, pu, pn) = blocks(z[t], n), blocks(p, n)
            r, u = torch.sigmoid(zr + pr), torch.sigmoid(zu + pu)
            fresh = torch.tanh(zn + r * pn)
            new_h, new_c, gate = (1 - u) * fresh + u * h, c, torch.cat([r, u, fresh, pn], -1)
        if lengths is not None:
            inside = (lengths > t)[:, None]
            new_h, new_c = torch.where(inside, new_h, h), torch.where(inside, new_c, c)
        h, c = new_h, new_c
        hs[t], cs[t], gates[t] = h, c, gate
    out = [torch.stack(hs)]
    if kind == "lstm":
        out.append(torch.stack(cs))
    if kind != "rnn":
        out.append(torch.stack(gates))
    return out


for i in range(30):
    kind = ("rnn", "lstm", "gru")[i % 3]
    dtype = f32 if i % 5 == 1 else f64
    steps, batch, n = (pick(1, 5), pick(1, 4), pick(1, 5)) if i % 10 else (2, 17, 5)
    wide = {"rnn": 1, "lstm": 4, "gru": 3}[kind] * n
    z, weight = R(steps, batch, wide, dtype=dtype), R(wide, n, dtype=dtype) * 0.5
    bias = R(wide, dtype=dtype) if kind == "gru" and chance(0.5) else None
    h = R(batch, n, dtype=dtype) if chance(0.6) else None
    c = R(batch, n, dtype=dtype) if kind == "lstm" and chance(0.6) else None
    lengths = torch.tensor(geometry.integers(1, steps + 1, batch)) if chance(0.4) else None
    reverse, relu = chance(0.5), kind == "rnn" and chance(0.4)
    given = [z, weight] + ([bias] if kind == "gru" else []) + [h] + ([c] if kind == "lstm" else []) + [lengths]
    names = ["z", "weight"] + (["bias"] if kind == "gru" else []) + ["h"] + (["c"] if kind == "lstm" else []) + ["lengths"]
    there = [name for name, t in zip(names, given) if t is not None]
    args = ["nil" if t is None else t for t in given] + [reverse] + ([relu] if kind == "rnn" else [])

    def run(*tensors, kind=kind, there=there, reverse=reverse, relu=relu):
        return sequence(kind, reverse=reverse, relu=relu, **dict(zip(there, tensors)))

    case(kind + "_sequence", args, run)
    leaves = {name: t.clone().requires_grad_() for name, t in zip(names, given) if t is not None and t.is_floating_point()}
    h0 = leaves.get("h", torch.zeros(batch, n, dtype=dtype, requires_grad=True))
    c0 = leaves.get("c", torch.zeros(batch, n, dtype=dtype, requires_grad=True))
    p = torch.zeros(steps, batch, wide, dtype=dtype, requires_grad=True)  # added to the state's part
    outs = sequence(kind, leaves["z"], leaves["weight"], leaves.get("bias"), h0, c0, lengths, reverse, relu, p)
    g = R(*outs[0].shape, dtype=dtype)
    gc = R(*outs[0].shape, dtype=dtype) if kind == "lstm" and chance(0.5) else None
    loss = (outs[0] * g).sum() + (0 if gc is None else (outs[1] * gc).sum())
    want = torch.autograd.grad(loss, [leaves["z"], h0] + ([c0] if kind == "lstm" else [p] if kind == "gru" else []))
    w, first = weight, "nil" if h is None else h
    if kind == "rnn":
        case("rnn_sequence_backward", [g, w, outs[0].detach(), "nil" if lengths is None else lengths, reverse, relu],
             lambda *_, want=want: want, grad=False)
    elif kind == "lstm":
        case("lstm_sequence_backward", [g, w, outs[1].detach(), outs[2].detach(), "nil" if c is None else c,
                                        "nil" if gc is None else gc, "nil" if lengths is None else lengths, reverse],
             lambda *_, want=want: want, grad=False)
    else:
        case("gru_sequence_backward", [g, w, outs[0].detach(), outs[1].detach(), first, "nil" if lengths is None else lengths,
                                       reverse], lambda *_, want=want: want, grad=False)

# ---- transposed convolution ----
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
for i in range(45):
    dims = 1 + i % 3
    groups = pick(1, 3) if chance(0.4) else 1
    ic, og = groups * pick(1, 2), pick(1, 2)
    kernel, stride = [pick(1, 3 if dims < 3 else 2) for _ in range(dims)], [pick(1, 3) for _ in range(dims)]
    dilation = [pick(1, 2) for _ in range(dims)]
    padding = [pick(0, d * (k - 1) // 2) for k, d in zip(kernel, dilation)]
    extra = [pick(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
    image = [pick(1, 4 if dims < 3 else 2) for _ in range(dims)]
    if any((x - 1) * s - 2 * p + d * (k - 1) + e + 1 < 1 for x, s, p, d, k, e in zip(image, stride, padding, dilation, kernel, extra)):
        padding = [0] * dims
    dtype = f32 if i % 5 == 0 else f64
    x, w = R(pick(1, 2), ic, *image, dtype=dtype), R(ic, og, *kernel, dtype=dtype)
    bias = R(og * groups, dtype=dtype) if chance(0.5) else "nil"
    case("conv_transpose%dd" % dims, [x, w, bias, stride, padding, extra, groups, dilation],
         lambda x, w, *b, f=TRANSPOSED[dims], a=(stride, padding, extra, groups, dilation): f(x, w, b[0] if b else None, *a))

# ---- adaptive pooling, other sizes, columns ----
for i in range(24):
    dims = 1 + i % 3
    image = [pick(1, 7 if dims < 3 else 3) for _ in range(dims)]
    size = [pick(1, 5 if dims < 3 else 3) for _ in range(dims)]
    x = R(pick(1, 2), pick(1, 2), *image, dtype=f32 if i % 5 == 0 else f64)
    case("adaptive_avg_pool%dd" % dims, [x, size], lambda x, f=getattr(F, "adaptive_avg_pool%dd" % dims), s=size: f(x, s))
    case("adaptive_max_pool%dd" % dims, [x, size, True],
         lambda x, f=getattr(F, "adaptive_max_pool%dd" % dims), s=size: tuple(o + (o.dtype == torch.int64) for o in f(x, s, True)))
MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}
for i in range(36):
    dims = 1 + i % 3
    image = [pick(1, 6 if dims < 3 else 3) for _ in range(dims)]
    x = R(pick(1, 2), pick(1, 2), *image, dtype=f32 if i % 5 == 0 else f64)
    mode = "nearest" if chance(0.4) else MODES[dims]
    align = mode != "nearest" and chance(0.5)
    if chance(0.5):
        size, scale = [pick(1, 8 if dims < 3 else 4) for _ in range(dims)], "nil"
    else:
        size, scale = "nil", [0.5, 1.5, 2, 2.3, 3][pick(0, 4)]
        if min(int(n * scale) for n in image) < 1:
            scale = 2
    case("interpolate", [x, size, scale, mode, align],
         lambda x, s=None if size == "nil" else size, k=None if scale == "nil" else scale, mode=mode, a=align:
         F.interpolate(x, s, k, mode, None if mode == "nearest" else a),
         # PyTorch 1.13's gradient is not that of its own result where a factor is no integer
         grad=mode != "nearest" or scale in ("nil", 2, 3))
for i in range(12):
    kernel, dilation, stride = [pick(1, 3), pick(1, 3)], [pick(1, 2), pick(1, 2)], [pick(1, 2), pick(1, 3)]
    padding = [pick(0, 2), pick(0, 2)]
    image = [d * (k - 1) + 1 + pick(0, 3) for k, d in zip(kernel, dilation)]
    x = R(pick(1, 2), pick(1, 2), *image, dtype=f32 if i % 5 == 0 else f64)
    columns = F.unfold(x, kernel, dilation, padding, stride)
    case("im2col", [x, kernel, dilation, padding, stride],
         lambda x, a=(kernel, dilation, padding, stride): F.unfold(x, *a))
    case("col2im", [R(*columns.shape, dtype=x.dtype), image, kernel, dilation, padding, stride],
         lambda x, a=(image, kernel, dilation, padding, stride): F.fold(x, *a))

# ---- each sample normalized by itself ----
def standardized(x, n, eps=1e-5):
    dims = tuple(range(x.ndim - n, x.ndim))
    var, mean = torch.var_mean(x, dims, unbiased=False, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps)


for i in range(30):
    dtype = f32 if i % 5 == 0 else f64
    shape = [pick(1, 4) for _ in range(pick(1, 3))] + [pick(4, 40 if i % 3 else 8)]
    scale, shift = (0.1, 3) if i % 7 == 6 and dtype == f64 else (1, 0)
    x, n = R(*shape, dtype=dtype) * scale + shift, pick(1, len(shape) - 1)
    eps = 1e-5 if chance(0.6) else 0.1
    w, b = ("nil", "nil") if i % 4 == 0 else (R(*shape[-n:], dtype=dtype), R(*shape[-n:], dtype=dtype) if chance(0.7) else "nil")
    case("layer_norm", [x, shape[-n:], w, b, eps],
         lambda x, *wb, s=shape[-n:], e=eps: F.layer_norm(x, s, *(list(wb) + [None, None])[:2], e))
    if i % 5 == 1:
        case("standardize", [x, n, eps], lambda x, n=n, e=eps: standardized(x, n, e))
        y = standardized(x, n, eps)
        spread = torch.sqrt(x.var(tuple(range(x.ndim - n, x.ndim)), unbiased=False, keepdim=True) + eps)
        dims = tuple(range(x.ndim - n, x.ndim))
        case("standardize_backward", [R(*shape, dtype=dtype), y, spread, n],
             lambda g, y, s, d=dims: (g - g.mean(d, True) - y * (g * y).mean(d, True)) / s, grad=False)
for i in range(20):
    dtype, groups, each = f32 if i % 5 == 0 else f64, pick(1, 3), pick(1, 3)
    shape = [pick(1, 3), groups * each] + [pick(4, 6) for _ in range(pick(1, 2))]
    x = R(*shape, dtype=dtype)
    w, b = ("nil", "nil") if i % 3 == 0 else (R(shape[1], dtype=dtype), R(shape[1], dtype=dtype))
    both = [] if w == "nil" else [w, b]
    case("group_norm", [x, groups, w, b], lambda x, *wb, n=groups: F.group_norm(x, n, *wb))
    case("instance_norm", [x, "nil", "nil", w, b], lambda x, *wb: F.instance_norm(x, None, None, *wb))

for i in range(16):
    x = R(pick(1, 2), pick(1, 2), pick(2, 7), pick(2, 7), dtype=f32 if i % 5 == 0 else f64)
    mode, align = ("area", False) if i % 3 == 0 else ("bicubic", chance(0.5))
    size, scale = ([pick(1, 9), pick(1, 9)], "nil") if i % 2 else ("nil", [0.5, 1.5, 2, 2.3][pick(0, 3)])
    case("interpolate", [x, size, scale, mode, align],
         lambda x, s=None if size == "nil" else size, k=None if scale == "nil" else scale, mode=mode, a=align:
         F.interpolate(x, s, k, mode, None if mode == "area" else a), grad=mode == "area" or scale in ("nil", 2, 0.5))
for mode, scale, image in (("linear", 1.1, [5]), ("bilinear", 1.1, [5, 4]), ("bilinear", 1.3, [3, 4]), ("area", 1.1, [4])):
    case("interpolate", [R(1, 2, *image, dtype=f64), "nil", scale, mode],
         lambda x, k=scale, mode=mode: F.interpolate(x, None, k, mode, None if mode == "area" else False), grad=False)

for i in range(8):
    n, wide, dtype = pick(2, 6), pick(1, 4), f32 if i % 5 == 0 else f64
    x = torch.tensor(geometry.integers(0, n, [pick(1, 3) for _ in range(pick(1, 3))]))
    pad = pick(1, n) if i % 2 else "nil"
    case("embedding", [x + 1, R(n, wide, dtype=dtype), pad],
         lambda x, w, p=None if pad == "nil" else pad - 1: F.embedding(x - 1, w, p), grad=True)

# ---- positions that are checked ----
case("within", [I([1, 3, 2]), 1, 3], lambda x: x.clone(), grad=False)
case("within", [I([-2]), -2, 0], lambda x: x.clone(), grad=False)
case("bags", [I([1, 3]), 4], lambda o: I([1, 1, 2, 2]), grad=False)
case("bags", [I([1, 1, 4]), 5, False], lambda o: I([2, 2, 2, 3, 3]), grad=False)
case("bags", [I([1, 3, 5]), 4, True], lambda o: I([1, 1, 2, 2]), grad=False)
case("bags", [I([1, 2, 3]), 4, True], lambda o: I([1, 2, 3, 3]), grad=False)

for i, (mode, scale, image) in enumerate((("bilinear", [2, 0.5], [4, 6]), ("bicubic", [1.5, 3], [5, 4]), ("nearest", [2, 1], [3, 4]),
                                          ("linear", [1.7], [5]), ("trilinear", [1, 2, 1.5], [2, 3, 4]), ("area", [0.5, 1.5], [4, 6]))):
    case("interpolate", [R(1, 2, *image, dtype=f64), "nil", scale, mode],
         lambda x, k=tuple(scale), mode=mode: F.interpolate(x, None, k, mode, None if mode in ("area", "nearest") else False),
         grad=i < 2)

if __name__ == "__main__":
    keep(os.path.join(here, "nets.json"), {"torch": torch.__version__, "numpy": np.__version__, "cases": m.cases})
    print(len(m.cases), "cases of", len({c["op"] for c in m.cases}), "ops")
