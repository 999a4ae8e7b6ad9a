#!/usr/bin/python3
"""Makes tests/golden/scripts.json: what the scripts in scripts/numpy give, computed with NumPy."""
import json
import os

import numpy as np


def numbers(n, seed=0):
    i = np.arange(1, n + 1) + seed * 1000
    return np.remainder(np.sin(i * 12.9898) * 43758.5453, 1)


def kmeans():
    n, k = 300, 3
    centres = np.array([[0, 0], [4, 0], [2, 3]], float)
    x = centres[np.arange(n) % k] + numbers(2 * n).reshape(n, 2) * 2 - 1
    c = x[:k].copy()
    for _ in range(20):
        assigned = np.linalg.norm(x[:, None] - c, axis=2).argmin(1)
        hot = np.eye(k)[assigned]
        c = hot.T @ x / hot.sum(0)[:, None]
    return ((x - c[assigned]) ** 2).sum()


def pca():
    n, d = 200, 5
    x = (numbers(n * d).reshape(n, d) * np.array([5, 3, 1, 0.5, 0.1])) @ numbers(d * d, 1).reshape(d, d)
    s = np.linalg.svd(x - x.mean(0), full_matrices=False)[1]
    return (s ** 2 / (s ** 2).sum())[0]


def ridge():
    n, d, lam = 100, 6, 0.5
    x = numbers(n * d).reshape(n, d) * 2 - 1
    y = x @ np.linspace(-2, 3, d) + (numbers(n, 7) - 0.5) * 0.3
    a = np.vstack([x, np.sqrt(lam) * np.eye(d)])
    return np.linalg.norm(np.linalg.lstsq(a, np.hstack([y, np.zeros(d)]), rcond=None)[0])


def gaussian_process():
    x = np.sort(numbers(20) * 10)
    y = np.sin(x) + (numbers(20, 3) - 0.5) * 0.1
    K = np.exp(-0.5 * (x[:, None] - x) ** 2) + np.eye(20) * 0.01
    sign, logdet = np.linalg.slogdet(K)
    return -0.5 * y @ np.linalg.solve(K, y) - 0.5 * logdet - 10 * np.log(2 * np.pi)


def markov_chain():
    P = np.array([[0.9, 0.075, 0.025], [0.15, 0.8, 0.05], [0.25, 0.25, 0.5]])
    values, vectors = np.linalg.eig(P.T)
    v = np.real(vectors[:, np.argmin(abs(values - 1))])
    return (v / v.sum())[0]


here = os.path.dirname(os.path.abspath(__file__))
data = {f.__name__: float(f()) for f in (kmeans, pca, ridge, gaussian_process, markov_chain)}
with open(os.path.join(here, "scripts.json"), "w") as f:
    json.dump(data, f, indent=0)
    f.write("\n")
print(data)
