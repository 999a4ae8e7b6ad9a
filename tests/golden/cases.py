"""What the scripts that make golden data share: tensors as JSON, and cases. A case holds an op's name, its arguments as
Lua gets them, PyTorch's results, and the gradients of a weighted sum of the first result.

Positions, dims and classes count from 1 in the cases and from 0 in PyTorch: each case says both.
"""
import collections
import json
import os
import sys

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


def keep(path, data):
    """Writes golden data. What was there before must still be there: a list that became shorter, cases of an op that became
    fewer, or another set of refused cases end the script, and the file stays as it was. --less accepts it."""

    def counts(data):
        out = {}
        for key, value in data.items():
            if key == "cases":
                for op, n in collections.Counter(c["op"] for c in value).items():
                    out["cases of " + op] = n
            elif isinstance(value, list) and key != "refused":
                out[key] = len(value)
        return out

    if os.path.exists(path) and "--less" not in sys.argv:
        with open(path) as f:
            before = json.load(f)
        now = counts(data)
        wrong = ["%s: %d, were %d" % (key, now.get(key, 0), n) for key, n in counts(before).items() if now.get(key, 0) < n]
        refused, were = set(data.get("refused", [])), set(before.get("refused", []))
        if "refused" in before:
            wrong += ["%s: refused now, and was not" % name for name in sorted(refused - were)]
            wrong += ["%s: was refused, and is not" % name for name in sorted(were - refused)]
        if wrong:
            sys.exit("%s is not written:\n  %s\nIf that is meant: --less" % (os.path.basename(path), "\n  ".join(wrong)))
    with open(path + ".new", "w") as f:
        json.dump(data, f, separators=(",", ":"))
        f.write("\n")
    os.replace(path + ".new", path)


class Maker:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.cases = []
        self.refused = set()

    def attempt(self, op, args, f, **options):
        """A case if PyTorch takes these dtypes. Where it does not, that is noted: `keep` holds the notes against those of the
        file, so that a slip of the pen does not read as a refusal."""
        try:
            self.case(op, args, f, **options)
        except (RuntimeError, TypeError, IndexError) as why:
            tensors = [x for a in args for x in (a if isinstance(a, list) else [a]) if torch.is_tensor(x)]
            what = ", ".join("%s %s" % (str(t.dtype).replace("torch.", ""), "x".join(map(str, t.shape)) or "scalar") for t in tensors)
            self.refused.add("%s(%s): %s" % (op, what, type(why).__name__))

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
