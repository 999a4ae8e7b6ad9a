#!/usr/bin/python3
"""Makes tests/golden/metrics.json: what scikit-learn and NumPy say that the metrics of nn.train are. Run it with Debian's
python3-sklearn; the file is kept in the repository.

A case is an output and a target (labels from 1), what the output is, and what metrics with their settings give.
"""
import json
import os
import warnings

import numpy as np
from sklearn import metrics as sk

warnings.simplefilter("ignore")
r = np.random.RandomState(11)
cases = []


def plain(x):
    return np.asarray(x).tolist()


def case(name, input_is, output, target, *wanted):
    """wanted: (kind, settings, value)"""
    cases.append({
        "name": name, "input_is": input_is, "output": plain(output), "target": plain(target),
        "wanted": [{"kind": k, "settings": s, "value": plain(v)} for k, s, v in wanted],
    })


def log_softmax(x):
    x = x - x.max(1, keepdims=True)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def decisions(y, chosen, classes, averages):
    """Precision, recall and F1 for each way to average."""
    out = []
    for kind, f in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        for average in averages:
            each = average == "none"
            settings = {} if average is None else {"average": average}
            how = {None: "binary" if classes == 2 else "macro", "none": None}.get(average, average)
            labels = list(range(classes)) if each else None
            out.append((kind, settings, f(y, chosen, average=how, labels=labels, zero_division=0)))
    return out


# ---- classes ----

def of_classes(name, x, y, averages):
    classes, p = x.shape[1], np.exp(log_softmax(x))
    order = log_softmax(x) if classes > 2 else x[:, 1] - x[:, 0]
    wanted = decisions(y, x.argmax(1), classes, averages)
    wanted.append(("confusion", {}, sk.confusion_matrix(y, x.argmax(1), labels=range(classes))))
    wanted.append(("log_loss", {}, sk.log_loss(y, p, labels=range(classes))))
    wanted.append(("perplexity", {}, np.exp(sk.log_loss(y, p, labels=range(classes)))))
    weight = np.arange(1, classes + 1) / 2
    nll = -log_softmax(x)[np.arange(len(y)), y]
    wanted.append(("perplexity", {"weight": plain(weight)}, np.exp((weight[y] * nll).sum() / weight[y].sum())))
    wanted.append(("perplexity", {"ignore_index": 1}, np.exp(nll[y != 0].mean())))
    wanted.append(("accuracy", {}, sk.accuracy_score(y, x.argmax(1))))
    if len(set(y)) == classes:
        for average in ("macro", "weighted"):
            hot = np.eye(classes, dtype=int)[y]
            if classes > 2:
                wanted.append(("auc", {"average": average}, sk.roc_auc_score(y, p, multi_class="ovr", average=average)))
                wanted.append(("average_precision", {"average": average}, sk.average_precision_score(
                    hot, order, average=average)))
        if classes > 2:
            wanted.append(("auc", {"average": "none"}, [sk.roc_auc_score(y == k, order[:, k]) for k in range(classes)]))
        else:
            wanted.append(("auc", {}, sk.roc_auc_score(y, order)))
            wanted.append(("average_precision", {}, sk.average_precision_score(y, order)))
    case(name, "scores", x, y + 1, *wanted)
    case(name + ", as probabilities", "probabilities", p, y + 1, *[w for w in wanted if w[0] != "accuracy"])


every = (None, "macro", "micro", "weighted", "none")
x = r.randn(37, 5)
x[:, 4] -= 9  # the last class neither occurs nor is predicted, the fourth does not occur
of_classes("classes that do not occur", x, r.randint(0, 3, 37), every)
of_classes("four classes", r.randn(41, 4), np.append(np.arange(4), r.randint(0, 4, 37)), every)
of_classes("two classes", r.randn(29, 2), np.append([0, 1], r.randint(0, 2, 27)), every + ("binary",))

x, y = r.randn(43, 6), r.randint(0, 6, 43)
case("places", "scores", x, y + 1,
     *[("top_k", {"k": k}, sk.top_k_accuracy_score(y, x, k=k, labels=range(6))) for k in (1, 2, 3, 5)])

# ---- yes or no ----

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def of_answers(name, x, y, averages=(None, "macro", "micro", "weighted", "none", "binary")):
    wanted = decisions(y, (x > 0).astype(int), 2, averages)
    wanted += [("confusion", {}, sk.confusion_matrix(y, x > 0, labels=[0, 1])), ("auc", {}, sk.roc_auc_score(y, x)),
               ("average_precision", {}, sk.average_precision_score(y, x)), ("log_loss", {}, sk.log_loss(y, sigmoid(x))),
               ("accuracy", {}, sk.accuracy_score(y, x > 0))]
    case(name, "logits", x, y, *wanted)
    case(name + ", as probabilities", "probabilities", sigmoid(x), y, *wanted)
    case(name + ", with a threshold", "logits", x, y, ("f1", {"threshold": 0.5}, sk.f1_score(y, x > 0.5)))


of_answers("logits", r.randn(31), np.append([0, 1], r.randint(0, 2, 29)))
of_answers("logits with many ties", np.round(r.randn(53) * 2) / 2 + 0.25, np.append([0, 1], r.randint(0, 2, 51)))
of_answers("logits that are all equal", np.full(12, 0.5), np.arange(12) % 3 // 2)

x, y = np.round(r.randn(23, 3) * 4) / 4 + 0.1, np.vstack([np.eye(3, dtype=int), r.randint(0, 2, (20, 3))])
averages = (None, "macro", "micro", "weighted", "none")
case("several answers a sample", "logits", x, y, *decisions(y, (x > 0).astype(int), 3, averages),
     ("auc", {}, sk.roc_auc_score(y, x)), ("auc", {"average": "weighted"}, sk.roc_auc_score(y, x, average="weighted")),
     ("average_precision", {}, sk.average_precision_score(y, x)),
     ("average_precision", {"average": "none"}, sk.average_precision_score(y, x, average=None)))

# ---- values ----

def of_values(name, a, y):
    case(name, "values", a, y, ("mae", {}, sk.mean_absolute_error(y, a)), ("mse", {}, sk.mean_squared_error(y, a)),
         ("rmse", {}, np.sqrt(sk.mean_squared_error(y, a))), ("r2", {}, sk.r2_score(y, a)))


y = r.randn(33)
of_values("values", y + r.randn(33) * 0.3, y)
y = r.randn(26, 3) * [1, 10, 0.1]
of_values("rows of values", y + r.randn(26, 3), y)
y = 1e6 + r.randn(40)
case("values far from 0", "values", y + r.randn(40) * 0.3, y)
cases[-1]["wanted"] = [{"kind": "r2", "settings": {}, "value": sk.r2_score(y - 1e6, np.array(cases[-1]["output"]) - 1e6)}]

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "metrics.json"), "w") as f:
    json.dump({"cases": cases}, f, separators=(",", ":"))
    f.write("\n")
print(len(cases), "cases,", sum(len(c["wanted"]) for c in cases), "numbers")
