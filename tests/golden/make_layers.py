#!/usr/bin/python3
"""Makes tests/golden/layers.json: layers with the weights that PyTorch drew, in float64: what they give, the gradients of
inputs and parameters, the gradient of the squares of those gradients, and 20 steps of SGD. Read by
tests/lua/layers/test_golden_layers.lua. Symbols and places count from 1 there and from 0 here: each case says both."""
import os

import numpy as np
import torch
from torch import nn

from cases import keep, num, tensor

torch.set_num_threads(1)
torch.manual_seed(7)
here = os.path.dirname(os.path.abspath(__file__))
cases = []
f64 = torch.float64


def R(*shape):
    return torch.randn(shape, dtype=f64)


def plain(v):
    """Lua's view of an input: a tensor, or a value given by name."""
    if torch.is_tensor(v):
        return {"t": tensor(v)}
    return {"v": v}


def case(lua, layer, inputs, named=None, lua_inputs=None, lua_named=None, call=None, second=True, first=0, shift=False):
    """lua: what makes the layer; inputs: of forward, in their order; named: keyword arguments; lua_inputs, lua_named: where
    Lua gets others; first: how many of the results are tensors that are compared (0: all)."""
    layer = layer.to(f64)
    layer.train(True)
    named = named or {}
    leaves = [x.clone().requires_grad_() if torch.is_tensor(x) and x.is_floating_point() else x for x in inputs]
    start = {k: v.detach().clone() for k, v in layer.state_dict().items()}

    def run(values):
        out = call(layer, *values) if call else layer(*values, **named)
        flat = []

        def walk(o):
            for v in o if isinstance(o, (tuple, list)) else [o]:
                if isinstance(v, (tuple, list)):
                    walk(v)
                elif torch.is_tensor(v):
                    flat.append(v)
        walk(out)
        return flat[:first] if first else flat

    outs = run(leaves)
    entry = {"name": lua, "state": {k: tensor(v) for k, v in start.items() if v.is_floating_point()},
             "inputs": [plain(x) for x in (lua_inputs or inputs)],
             "named": {k: plain(v) for k, v in (lua_named if lua_named is not None else named).items()},
             "out": [tensor(o + 1 if o.dtype == torch.int64 and shift else o) for o in outs]}
    floats = [i for i, o in enumerate(outs) if o.is_floating_point()]
    weights = [R(*outs[i].shape) for i in floats]
    entry["weights"] = [tensor(w) for w in weights]
    wanted = [x for x in leaves if torch.is_tensor(x) and x.is_floating_point()] + list(layer.parameters())
    names = ["input %d" % (i + 1) for i, x in enumerate(leaves) if torch.is_tensor(x) and x.is_floating_point()]
    names += [k for k, _ in layer.named_parameters()]

    def loss_of(values):
        outs = run(values)
        return sum((outs[i] * w).sum() + (outs[i] ** 2).sum() * 0.1 for i, w in zip(floats, weights))

    def dense(grads):
        return [tensor(g) if g is not None else tensor(torch.zeros_like(w)) for g, w in zip(grads, wanted)]

    if wanted:
        grads = torch.autograd.grad(loss_of(leaves), wanted, create_graph=second, allow_unused=True)
        entry["names"] = names
        entry["grads"] = dense(grads)
        if second:
            total = sum((g ** 2).sum() for g in grads if g is not None)
            entry["second"] = dense(torch.autograd.grad(total, wanted, allow_unused=True))
    if list(layer.parameters()):
        layer.load_state_dict(start)
        opt = torch.optim.SGD(layer.parameters(), lr=0.002)
        entry["losses"] = []
        for _ in range(20):
            opt.zero_grad()
            loss = loss_of(inputs)
            loss.backward()
            opt.step()
            entry["losses"].append(num(loss.detach()))
    cases.append(entry)


I = torch.tensor

# ---- recurrence ----
for kind, lua in ((nn.RNN, "RNN"), (nn.LSTM, "LSTM"), (nn.GRU, "GRU")):
    case("nn.%s(3, 4)" % lua, kind(3, 4), [R(5, 2, 3)])
    case("nn.%s(3, 5, 2, {bidirectional = true})" % lua, kind(3, 5, 2, bidirectional=True), [R(6, 3, 3)])
    case("nn.%s(3, 4, {bias = false, batch_first = true})" % lua, kind(3, 4, bias=False, batch_first=True), [R(2, 4, 3)])
    case("nn.%s(2, 17)" % lua, kind(2, 17), [R(3, 19, 2)])
    states = [R(2, 3, 4)] if lua != "LSTM" else [R(2, 3, 4), R(2, 3, 4)]
    case("nn.%s(3, 4, 2)" % lua, kind(3, 4, 2), [R(5, 3, 3)] + states,
         call=lambda l, x, *s: l(x, s[0] if len(s) == 1 else tuple(s)))
    # sequences of different lengths
    lengths = [6, 2, 4]

    def packed(layer, x, lengths=lengths):
        p = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, state = layer(p)
        return nn.utils.rnn.pad_packed_sequence(y, total_length=x.shape[0])[0], state
    case("nn.%s(3, 4, 2, {bidirectional = true})" % lua, kind(3, 4, 2, bidirectional=True), [R(6, 3, 3)],
         lua_named={"lengths": I(lengths)}, call=packed)
case('nn.RNN(3, 4, {nonlinearity = "relu"})', nn.RNN(3, 4, nonlinearity="relu"), [R(5, 2, 3)])
for kind, lua in ((nn.RNNCell, "RNNCell"), (nn.LSTMCell, "LSTMCell"), (nn.GRUCell, "GRUCell")):
    case("nn.%s(3, 4)" % lua, kind(3, 4), [R(5, 3)])
    states = [R(5, 4)] if lua != "LSTMCell" else [R(5, 4), R(5, 4)]
    case("nn.%s(3, 4)" % lua, kind(3, 4), [R(5, 3)] + states, call=lambda l, x, *s: l(x, s[0] if len(s) == 1 else tuple(s)))

# ---- attention ----
def mha(*args, **options):
    return nn.MultiheadAttention(*args, **options)


def upper(n):
    return torch.triu(torch.ones(n, n, dtype=torch.bool), 1)


pad = I([[False, False, True, True, True], [False] * 5, [False, True, False, True, False]])
case("nn.MultiheadAttention(8, 2)", mha(8, 2), [R(5, 3, 8)] * 3)
case("nn.MultiheadAttention(8, 2)", mha(8, 2), [R(4, 3, 8), R(5, 3, 8), R(5, 3, 8)], {"need_weights": False})
case("nn.MultiheadAttention(8, 4, {batch_first = true, bias = false})", mha(8, 4, batch_first=True, bias=False),
     [R(3, 4, 8), R(3, 5, 8), R(3, 5, 8)], {"key_padding_mask": pad, "need_weights": False})
case("nn.MultiheadAttention(8, 2)", mha(8, 2), [R(5, 3, 8)] * 3, {"key_padding_mask": pad, "attn_mask": R(5, 5)},)
case("nn.MultiheadAttention(8, 2)", mha(8, 2), [R(5, 3, 8), R(5, 3, 8), R(5, 3, 8)], {"attn_mask": R(6, 5, 5), "need_weights": False})
case("nn.MultiheadAttention(8, 2)", mha(8, 2), [R(5, 3, 8)] * 3, {"attn_mask": upper(5), "average_attn_weights": False})
case("nn.MultiheadAttention(8, 2)", mha(8, 2), [R(5, 3, 8)] * 3, {"attn_mask": upper(5), "need_weights": False},
     lua_named={"is_causal": True, "need_weights": False})
case("nn.MultiheadAttention(6, 3, {kdim = 4, vdim = 5})", mha(6, 3, kdim=4, vdim=5), [R(4, 2, 6), R(5, 2, 4), R(5, 2, 5)])
case("nn.MultiheadAttention(8, 2)", mha(8, 2), [R(5, 8), R(5, 8), R(5, 8)], {"attn_mask": upper(5)})
for norm_first in (False, True):
    for batch_first in (False, True):
        options = dict(dim_feedforward=12, dropout=0.0, norm_first=norm_first, batch_first=batch_first,
                       activation="gelu" if norm_first else "relu")
        lua = "{dim_feedforward = 12, dropout = 0, norm_first = %s, batch_first = %s, activation = \"%s\"}" % (
            str(norm_first).lower(), str(batch_first).lower(), options["activation"])
        x = R(3, 5, 8) if batch_first else R(5, 3, 8)
        memory = R(3, 4, 8) if batch_first else R(4, 3, 8)
        case("nn.TransformerEncoderLayer(8, 2, %s)" % lua, nn.TransformerEncoderLayer(8, 2, **options), [x],
             {"src_mask": upper(5), "src_key_padding_mask": I([[False] * 5, [False] * 4 + [True], [False] * 5])})
        case("nn.TransformerDecoderLayer(8, 2, %s)" % lua, nn.TransformerDecoderLayer(8, 2, **options), [x, memory],
             {"tgt_mask": upper(5)}, lua_named={"tgt_is_causal": True})
small = dict(dim_feedforward=12, dropout=0.0)
case("nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, {dim_feedforward = 12, dropout = 0}), 2, nn.LayerNorm(8))",
     nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, **small), 2, nn.LayerNorm(8)), [R(5, 3, 8)], {"mask": upper(5)})
case("nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, {dim_feedforward = 12, dropout = 0}), 2)",
     nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, **small), 2), [R(5, 3, 8), R(4, 3, 8)],
     {"memory_mask": torch.rand(5, 4) < 0.3})

# ---- convolution, pooling, sizes, margins ----
case("nn.ConvTranspose1d(4, 6, 3, {stride = 2, padding = 1, output_padding = 1, groups = 2})",
     nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), [R(2, 4, 5)])
case("nn.ConvTranspose2d(3, 4, {3, 4}, {stride = {2, 1}, padding = {1, 0}, dilation = {1, 2}})",
     nn.ConvTranspose2d(3, 4, (3, 4), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), [R(2, 3, 4, 5)])
case("nn.ConvTranspose2d(3, 4, 4, 2, 1, {bias = false})", nn.ConvTranspose2d(3, 4, 4, 2, 1, bias=False), [R(2, 3, 4, 5)])
case("nn.ConvTranspose3d(2, 3, 2, 2)", nn.ConvTranspose3d(2, 3, 2, 2), [R(2, 2, 2, 3, 2)])
case("nn.Conv3d(2, 3, {2, 3, 2}, {padding = 1, stride = {1, 2, 1}})", nn.Conv3d(2, 3, (2, 3, 2), padding=1, stride=(1, 2, 1)),
     [R(2, 2, 3, 4, 3)])
for mode in ("reflect", "replicate", "circular"):
    case('nn.Conv2d(2, 3, {3, 5}, {padding = {1, 2}, padding_mode = "%s"})' % mode,
         nn.Conv2d(2, 3, (3, 5), padding=(1, 2), padding_mode=mode), [R(2, 2, 4, 5)])
case('nn.Conv1d(2, 3, 3, {padding = "same", padding_mode = "circular"})',
     nn.Conv1d(2, 3, 3, padding="same", padding_mode="circular"), [R(2, 2, 6)])
case("nn.MaxPool2d(3, {stride = 2, padding = 1, dilation = 1, return_indices = true, ceil_mode = true})",
     nn.MaxPool2d(3, stride=2, padding=1, return_indices=True, ceil_mode=True), [R(2, 2, 6, 7)], shift=True)
case("nn.MaxPool1d(3, {dilation = 2})", nn.MaxPool1d(3, dilation=2), [R(2, 2, 11)])
case("nn.MaxPool3d(2, {stride = 1})", nn.MaxPool3d(2, stride=1), [R(1, 2, 3, 4, 3)])
case("nn.AvgPool2d(3, {stride = 2, padding = 1, ceil_mode = true, count_include_pad = false})",
     nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), [R(2, 2, 6, 7)])
case("nn.AvgPool3d(2)", nn.AvgPool3d(2), [R(1, 2, 4, 4, 5)])
for dims, sizes, shape in ((1, (3,), (2, 2, 7)), (1, (3,), (2, 2, 6)), (2, (2, 3), (2, 2, 5, 7)), (2, (2, 2), (2, 2, 4, 6)),
                           (2, (5, 7), (1, 2, 3, 4)), (3, (2, 2, 2), (1, 2, 3, 4, 5))):
    size = "{%s}" % ", ".join(map(str, sizes))
    case("nn.AdaptiveAvgPool%dd(%s)" % (dims, size), getattr(nn, "AdaptiveAvgPool%dd" % dims)(sizes if dims > 1 else sizes[0]), [R(*shape)])
    case("nn.AdaptiveMaxPool%dd(%s, {return_indices = true})" % (dims, size),
         getattr(nn, "AdaptiveMaxPool%dd" % dims)(sizes if dims > 1 else sizes[0], return_indices=True), [R(*shape).round(decimals=1)], shift=True)
case("nn.MaxPool1d(4, 3, {dilation = 3, ceil_mode = true})", nn.MaxPool1d(4, 3, dilation=3, ceil_mode=True), [R(1, 2, 9)])
case("nn.MaxPool2d(3, 2, {ceil_mode = true})", nn.MaxPool2d(3, 2, ceil_mode=True), [R(1, 1, 2, 9)])
case("nn.AvgPool1d(3, 2, {ceil_mode = true})", nn.AvgPool1d(3, 2, ceil_mode=True), [R(1, 1, 2)])
case("nn.PixelUnshuffle(2)", nn.PixelUnshuffle(2), [R(2, 3, 4, 6)])
case("nn.PixelShuffle(2)", nn.PixelShuffle(2), [R(2, 8, 3, 2)])
for options, given in (({"scale_factor": 2}, (2, 2, 3)), ({"scale_factor": 1.7}, (2, 2, 5, 4)), ({"size": (7, 3)}, (1, 2, 4, 5)),
                       ({"scale_factor": 2, "mode": "linear"}, (2, 2, 5)), ({"size": 4, "mode": "linear", "align_corners": True}, (2, 2, 7)),
                       ({"scale_factor": 2, "mode": "bilinear"}, (1, 2, 3, 4)), ({"size": (5, 2), "mode": "bilinear"}, (1, 2, 3, 4)),
                       ({"scale_factor": 0.6, "mode": "bilinear"}, (1, 2, 7, 9)),
                       ({"size": (6, 1), "mode": "bilinear", "align_corners": True}, (1, 2, 3, 4)),
                       ({"scale_factor": 2, "mode": "trilinear"}, (1, 1, 2, 3, 2))):
    lua = ", ".join("%s = %s" % (k, "{%s}" % ", ".join(map(str, v)) if isinstance(v, tuple) else '"%s"' % v if isinstance(v, str)
                                 else str(v).lower()) for k, v in options.items())
    case("nn.Upsample {%s}" % lua, nn.Upsample(**options), [R(*given)])
for dims, shape in ((1, (2, 2, 5)), (2, (1, 2, 4, 5)), (3, (1, 1, 3, 4, 3))):
    for lua, theirs in (("Constant", "ConstantPad"), ("Reflection", "ReflectionPad"), ("Replication", "ReplicationPad")):
        by = tuple([1, 2] * dims)
        more = ", 1.5" if lua == "Constant" else ""
        layer = getattr(nn, "%s%dd" % (theirs, dims))(by, *([1.5] if more else []))
        case("nn.%s%dd({%s}%s)" % (theirs, dims, ", ".join(map(str, by)), more), layer, [R(*shape)],
             second=not (dims == 3 and lua == "Reflection"))
case("nn.ZeroPad2d({1, 0, -1, 2})", nn.ZeroPad2d((1, 0, -1, 2)), [R(1, 2, 4, 5)])
case("nn.CircularPad2d({1, 2, 0, 3})", nn.Identity(), [R(1, 2, 4, 5)],
     call=lambda l, x: torch.nn.functional.pad(x, (1, 2, 0, 3), mode="circular"))
case("nn.Unfold({2, 3}, {dilation = {1, 2}, padding = {1, 0}, stride = {2, 1}})",
     nn.Unfold((2, 3), dilation=(1, 2), padding=(1, 0), stride=(2, 1)), [R(2, 3, 5, 7)])
fold = dict(output_size=(5, 7), kernel_size=(2, 3), dilation=(1, 2), padding=(1, 0), stride=(2, 1))
windows = nn.Unfold((2, 3), dilation=(1, 2), padding=(1, 0), stride=(2, 1))(R(1, 3, 5, 7)).shape[2]
case("nn.Fold({5, 7}, {2, 3}, {dilation = {1, 2}, padding = {1, 0}, stride = {2, 1}})", nn.Fold(**fold), [R(2, 18, windows)])
case("nn.BatchNorm3d(3)", nn.BatchNorm3d(3), [R(2, 3, 2, 3, 2)])
case("nn.InstanceNorm3d(3)", nn.InstanceNorm3d(3), [R(2, 3, 2, 3, 2)])
case("nn.Softmax2d()", nn.Softmax2d(), [R(2, 3, 2, 3)])
case("nn.Unflatten(2, {3, 2})", nn.Unflatten(1, (3, 2)), [R(4, 6, 2)])
case("nn.Bilinear(3, 4, 2)", nn.Bilinear(3, 4, 2), [R(5, 3), R(5, 4)])
case("nn.Bilinear(3, 4, 2, {bias = false})", nn.Bilinear(3, 4, 2, bias=False), [R(2, 5, 3), R(2, 5, 4)])

# ---- bags of symbols ----
symbols, offsets = I([0, 3, 3, 1, 4, 2, 2]), I([0, 2, 2, 5])
for mode in ("sum", "mean", "max"):
    case('nn.EmbeddingBag(5, 3, {mode = "%s"})' % mode, nn.EmbeddingBag(5, 3, mode=mode), [symbols, offsets],
         lua_inputs=[symbols + 1, offsets + 1], second=False)
    case('nn.EmbeddingBag(5, 3, {mode = "%s"})' % mode, nn.EmbeddingBag(5, 3, mode=mode), [symbols[:6].reshape(2, 3)],
         lua_inputs=[symbols[:6].reshape(2, 3) + 1], second=False)
    with_padding = nn.EmbeddingBag(5, 3, mode=mode, padding_idx=3)
    with torch.no_grad():
        with_padding.weight.copy_(torch.randn(5, 3))
    case('nn.EmbeddingBag(5, 3, {mode = "%s", padding_idx = 4})' % mode, with_padding, [symbols, offsets],
         lua_inputs=[symbols + 1, offsets + 1], second=False)
case('nn.EmbeddingBag(5, 3, {mode = "sum", include_last_offset = true})',
     nn.EmbeddingBag(5, 3, mode="sum", include_last_offset=True), [symbols, I([0, 2, 2, 5, 7])],
     lua_inputs=[symbols + 1, I([0, 2, 2, 5, 7]) + 1], second=False)
case('nn.EmbeddingBag(5, 3, {mode = "max", include_last_offset = true})',
     nn.EmbeddingBag(5, 3, mode="max", include_last_offset=True), [symbols, I([0, 2, 5, 7])],
     lua_inputs=[symbols + 1, I([0, 2, 5, 7]) + 1], second=False)
shares = R(7)
case('nn.EmbeddingBag(5, 3, {mode = "sum"})', nn.EmbeddingBag(5, 3, mode="sum"), [symbols, offsets, shares],
     lua_inputs=[symbols + 1, offsets + 1, shares], second=False)

# ---- sequences of labels ----
# PyTorch's gradient is the right one behind log_softmax only, so that stands before it.
def ctc(options, loss, logits, targets, lengths, sizes):
    case('(function() local Net = nn.Module:extend "Net"; function Net:init() self.loss = nn.CTCLoss %s end; '
         'function Net:forward(x, ...) return self.loss(x:log_softmax(3), ...) end; return Net() end)()' % options,
         loss, [logits, targets, I(lengths), I(sizes)], lua_inputs=[logits, targets + 1, I(lengths), I(sizes)],
         call=lambda layer, x, *rest: layer(torch.log_softmax(x, 2), *rest), second=False)


targets = I([[2, 1, 1, 3], [4, 4, 2, 1], [3, 1, 2, 2]])
for reduction in ("mean", "sum", "none"):
    for sizes in ((4, 2, 3), (0, 1, 4)):
        ctc('{reduction = "%s"}' % reduction, nn.CTCLoss(reduction=reduction), R(9, 3, 5), targets, [9, 7, 8], sizes)
ctc("{zero_infinity = true, blank = 5}", nn.CTCLoss(zero_infinity=True, blank=4), R(3, 3, 5), targets % 4, [3, 3, 2], [4, 2, 1])
for sizes in ((4, 2, 3), (0, 1, 4)):  # one behind another
    ctc("{}", nn.CTCLoss(), R(9, 3, 5), torch.cat([t[:n] for t, n in zip(targets, sizes)]), [9, 7, 8], sizes)

if __name__ == "__main__":
    keep(os.path.join(here, "layers.json"), {"torch": torch.__version__, "numpy": np.__version__, "layers": cases})
    print(len(cases), "layers")
