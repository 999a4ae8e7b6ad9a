"""What the scripts that make golden data share: tensors as JSON, and cases. A case holds a row's name, its arguments as
Lua gets them, PyTorch's results, and the gradients of a weighted sum of the first result.

Positions, dims and classes count from 1 in the cases and from 0 in PyTorch: each case says both.
"""
import numpy as np
import torch

torch.set_num_threads(1)


def num(v):
    v = float(v)
    if v != v:
        return "nan"
    if v in (float("inf"), float("-inf")):
        return "inf" if v > 0 else "-inf"
    return v


def tensor(t):
    kind = {torch.float32: "float32", torch.float64: "float64", torch.int64: "int64", torch.uint8: "uint8",
            torch.bool: "bool"}[t.dtype]
    flat = t.detach().reshape(-1)
    if kind == "float32":  # the shortest decimal that gives the same float32
        data = [num(np.format_float_scientific(np.float32(v), unique=True)) for v in flat]
    else:
        data = [num(v) for v in flat] if kind == "float64" else [int(v) for v in flat]
    return {"dtype": kind, "shape": list(t.shape), "data": data}


def I(values):
    return torch.tensor(values, dtype=torch.int64)


class Maker:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.cases = []

    def R(self, *shape, dtype=torch.float32, lo=None, hi=None):
        a = self.rng.standard_normal(shape) if lo is None else self.rng.uniform(lo, hi, shape)
        return torch.tensor(a, dtype=dtype)

    def ints(self, lo, hi, *shape):
        return torch.tensor(self.rng.integers(lo, hi, shape), dtype=torch.int64)

    def case(self, op, args, f, grad=True, shift=0):
        """args: what Lua gets; f: PyTorch on the tensor arguments. shift: added to the last result if it is of integers
        (positions); "all": to every result of integers."""
        leaves = []

        def prepare(a):
            if isinstance(a, list):
                return [prepare(x) for x in a]
            if torch.is_tensor(a):
                leaf = a.clone().requires_grad_(a.is_floating_point() and grad)
                leaves.append(leaf)
                return leaf
            return a

        prepared = [prepare(a) for a in args]
        tensors = [a for a in prepared if torch.is_tensor(a) or isinstance(a, list) and a and torch.is_tensor(a[0])]
        out = f(*tensors)
        outs = list(out) if isinstance(out, (tuple, list)) else [out]
        entry = {"op": op, "args": [], "out": []}
        for a in args:
            if torch.is_tensor(a):
                entry["args"].append({"t": tensor(a)})
            elif isinstance(a, list) and a and torch.is_tensor(a[0]):
                entry["args"].append({"list": [tensor(x) for x in a]})
            else:
                entry["args"].append({"v": "inf" if a == float("inf") else a})
        for i, o in enumerate(outs):
            last = shift and (shift == "all" or i == len(outs) - 1) and o.dtype == torch.int64
            entry["out"].append(tensor(o + (1 if shift == "all" else shift) if last else o))
        if grad and outs[0].requires_grad:
            weights = self.R(*outs[0].shape, dtype=outs[0].dtype)
            (outs[0] * weights).sum().backward()
            entry["weights"] = tensor(weights)
            entry["grads"] = [tensor(x.grad) if x.grad is not None else tensor(torch.zeros_like(x))
                              for x in leaves if x.is_floating_point()]
        self.cases.append(entry)
