#!/usr/bin/python3
"""Makes tests/golden/names.json: the public functions of NumPy and PyTorch that work on arrays, and PyTorch's classes, for
docs/reference/names.md."""
import json
import os
import types

import numpy as np
import torch
import torch.nn.functional as F
import torch.optim.lr_scheduler

here = os.path.dirname(os.path.abspath(__file__))


def functions(module):
    kinds = (types.FunctionType, types.BuiltinFunctionType, np.ufunc)
    return sorted(n for n in dir(module) if not n.startswith("_") and isinstance(getattr(module, n), kinds))


def methods(cls):
    return sorted(n for n in dir(cls) if not n.startswith("_") and not n.endswith("_") and callable(getattr(cls, n)))


def classes(module, base):
    return sorted(n for n in dir(module) if not n.startswith("_") and isinstance(getattr(module, n), type)
                  and issubclass(getattr(module, n), base))


data = {
    "numpy": functions(np), "numpy.linalg": functions(np.linalg), "torch": functions(torch), "torch.Tensor": methods(torch.Tensor),
    "torch.nn.functional": functions(F), "torch.linalg": functions(torch.linalg), "torch.special": functions(torch.special),
}
data = {k: [n for n in v if not n.endswith("_")] for k, v in data.items()}
schedules = [n for n in dir(torch.optim.lr_scheduler) if n.endswith("LR") or n.startswith(("Reduce", "Chained", "CosineAnnealingW"))]
data["torch.nn"] = classes(torch.nn, torch.nn.Module)
data["torch.optim"] = classes(torch.optim, torch.optim.Optimizer)
data["torch.optim.lr_scheduler"] = sorted(n for n in schedules if not n.startswith("_"))
data["torch.nn.init"] = sorted(n for n in dir(torch.nn.init) if n.endswith("_") and not n.startswith("_"))
with open(os.path.join(here, "names.json"), "w") as f:
    json.dump({"numpy_version": np.__version__, "torch_version": torch.__version__, "names": data}, f, indent=0)
    f.write("\n")
print({k: len(v) for k, v in data.items()})
