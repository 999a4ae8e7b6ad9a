"""What the scripts that make golden data share: tensors as JSON, and cases. A case holds an op's name, its arguments as
Lua gets them, PyTorch's results, and the gradients of a weighted sum of the first result.

Positions, dims and classes count from 1 in the cases and from 0 in PyTorch: each case says both.
"""
import collections
import json
import os
import sys
import zlib

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
    fewer, or another set of refused cases end the script, and the file stays as it was; --less accepts it. Values that agree
    with those of the file stay as they are there; --anew takes what this machine finds."""

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
    if os.path.exists(path) and "--anew" not in sys.argv:
        with open(path) as f:
            data = settled(json.load(f), data)
    with open(path + ".new", "w") as f:
        f.write("{\n")
        for n, (key, value) in enumerate(data.items()):
            if isinstance(value, list) and value and isinstance(value[0], dict):  # a case a line, so that a change reads
                text = "[\n%s\n]" % ",\n".join(json.dumps(v, separators=(",", ":")) for v in value)
            else:
                text = json.dumps(value, separators=(",", ":"))
            f.write("%s%s:%s" % (",\n" if n else "", json.dumps(key), text))
        f.write("\n}\n")
    os.replace(path + ".new", path)


def agree(a, b):
    """Whether two machines may both have found this."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-4 * max(abs(a), abs(b), 1e-2)
    return a == b


def settled(before, now):
    """`now`, but with the values of `before` where both agree: another processor rounds otherwise, and what did not change
    should not look as if it had."""
    out, added, changed = {}, 0, 0
    for key, value in now.items():
        was = before.get(key)
        if not isinstance(value, list) or not isinstance(was, list):
            out[key] = value
            continue
        old = collections.defaultdict(list)
        for v in was:
            old[name_of(v)].append(v)
        out[key] = []
        for v in value:
            same = old[name_of(v)]
            if same and agree(same[0], v):
                out[key].append(same.pop(0))
            else:
                changed, added = (changed + 1, added) if same else (changed, added + 1)
                if same:
                    same.pop(0)
                out[key].append(v)
    print(added, "new,", changed, "changed")
    return out


def name_of(case):
    """What tells cases apart: the op, or the name with its options."""
    if not isinstance(case, dict):
        return json.dumps(case)
    return case["op"] if "op" in case else json.dumps([case.get("name"), case.get("options")], sort_keys=True)


class Maker:
    def __init__(self, seed):
        self.seed = seed
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
        # What comes next draws from here, whatever came before: a case put in between changes its successor alone.
        number = sum(c["op"] == op for c in self.cases)
        self.rng = np.random.default_rng([self.seed, zlib.crc32(op.encode()), number])
