"""What scikit-learn has of the workloads: MLPClassifier's partial_fit, one batch a call, warnings off. It minimizes
the same losses; it has no batch norm, dropout or ELU. Protocol: see peer_torch.py."""
import sys
import time
import warnings

import numpy as np
from sklearn import __version__
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

warnings.filterwarnings("ignore")
rng = np.random.default_rng(1)


def fit(model, x, y, classes=None):
    if classes is None:
        return lambda: model.partial_fit(x, y)
    return lambda: model.partial_fit(x, y, classes=classes)


def mlp(hidden, batch, inputs, classes, momentum, activation="relu"):
    model = MLPClassifier(hidden, activation=activation, solver="sgd", alpha=0, batch_size=batch, momentum=momentum,
                          nesterovs_momentum=False, learning_rate_init=0.01)
    x = rng.standard_normal((batch, inputs)).astype(np.float32)
    return fit(model, x, np.arange(batch) % classes, np.arange(classes))


def w5():
    model = MLPRegressor((64,) * 31, activation="tanh", solver="sgd", alpha=0, batch_size=32, momentum=0)
    return fit(model, rng.standard_normal((32, 64)).astype(np.float32),
               rng.standard_normal((32, 64)).astype(np.float32))


def w7():
    model = SGDClassifier(loss="log_loss", alpha=1e-12, learning_rate="constant", eta0=0.1)
    return fit(model, rng.standard_normal((32, 64)).astype(np.float32), np.arange(32) % 2, np.arange(2))


makers = {
    "W1": lambda: mlp((8,), 4, 2, 2, 0, "tanh"),
    "W2": lambda: mlp((256, 128), 128, 784, 10, 0.9),
    "W4": lambda: mlp((4096, 4096), 512, 1024, 10, 0.9),
    "W5": w5,
    "W7": w7,
}
steps = {}
print("ready scikit-learn", __version__, flush=True)
for line in sys.stdin:
    name, count = line.split()
    if name not in makers:
        print("-", flush=True)
        continue
    if name not in steps:
        steps[name] = makers[name]()
        steps[name]()
    step = steps[name]
    began = time.perf_counter()
    for _ in range(int(count)):
        step()
    print((time.perf_counter() - began) / int(count) * 1e6, flush=True)
