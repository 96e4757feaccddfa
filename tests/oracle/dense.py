"""An independent check of what minnorm computed: the plain dense system in numpy, which knows nothing of the library.

  dense.py dual      TRAIN TEST REPORT.json SCORES.npy   scores = K(test, train) K^-1 Y
  dense.py linear    TRAIN TEST REPORT.json SCORES.npy   scores = X_test lstsq(X, Y), and the rank
  dense.py model     MODEL TEST SCORES.npy               scores = K(test, samples) alpha + offset of a saved model
  dense.py mnist     FOLDER PART N X.npy Y.npy           the first N samples of IDX files, part train or t10k
  dense.py smooth    FOLDER N M                          writes a regression of three columns: x.npy y.npy u.npy v.npy

TRAIN and TEST are X.npy,Y.npy; bytes are divided by 255. One column of integers is one-hot, others are targets as they
are. Says what differs and exits with 1 when that is more than 1e-8 of a sample's largest
score.
"""
import gzip
import json
import os
import sys

import numpy as np

TOLERANCE = 1e-8


def features(path):
    x = np.load(path)
    x = x.reshape(len(x), -1)
    return x / 255.0 if x.dtype == np.uint8 else x.astype(np.float64)


def pair(spec):
    x, y = spec.split(",")
    return features(x), np.load(y)


def one_hot(y):
    if y.ndim == 2 and y.shape[1] > 1:
        return y
    y = y.reshape(-1)
    if not np.array_equal(y, np.round(y)):
        return y[:, None]
    return (y[:, None] == np.unique(y)[None, :]).astype(np.float64)


def squared_distances(a, b):
    """From differences where that is affordable, for nothing cancels then."""
    if a.shape[1] <= 32:
        return sum((a[:, None, j] - b[None, :, j]) ** 2 for j in range(a.shape[1]))
    r2 = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * (a @ b.T)
    return np.maximum(r2, 0.0)


def kernel(k, a, b):
    name, gamma = k["name"], k["gamma"]
    if name == "linear":
        return a @ b.T
    if name == "polynomial":
        return (gamma * (a @ b.T) + k["coef0"]) ** k["degree"]
    r2 = squared_distances(a, b)
    if name == "gaussian":
        return np.exp(-gamma * r2)
    assert name == "laplacian", name
    return np.exp(-gamma * np.sqrt(r2))


def solve(k, y):
    """By Cholesky in scipy where there is one: LU of n = 10,000 takes twice as long."""
    try:
        from scipy.linalg import cho_factor, cho_solve
    except ImportError:
        return np.linalg.solve(k, y)
    return cho_solve(cho_factor(k, lower=True, overwrite_a=True, check_finite=False), y)


def compare(exact, scores):
    """Sample by sample: least squares may send one far out, beside which errors of the others would not show."""
    if exact.shape != scores.shape:
        sys.exit("scores of shape %s expected, %s found" % (exact.shape, scores.shape))
    distance = (np.abs(exact - scores).max(1) / np.abs(exact).max(1)).max()
    print("largest difference %.2e of the sample's largest score" % distance)
    if not distance <= TOLERANCE:
        sys.exit(1)


def check_dual(train, test, report, scores):
    (x, y), (u, _), r = pair(train), pair(test), json.load(open(report))
    k = kernel(r["kernel"], x, x)
    alpha = solve(k, one_hot(y))
    compare(kernel(r["kernel"], u, x) @ alpha, np.load(scores))


def check_linear(train, test, report, scores):
    (x, y), (u, _), r = pair(train), pair(test), json.load(open(report))
    w, _, rank, _ = np.linalg.lstsq(x, one_hot(y), rcond=r["rank_tolerance"])
    print("rank %d, minnorm's %s, tolerance %g" % (rank, r["rank"], r["rank_tolerance"]))
    if rank != r["rank"]:
        sys.exit(1)
    compare(u @ w, np.load(scores))


def check_model(folder, test, scores):
    header = json.load(open(os.path.join(folder, "model.json")))
    arrays = {name: np.load(os.path.join(folder, a["file"])) for name, a in header["arrays"].items()}
    u = np.load(test.split(",")[0]).astype(np.float64)
    u = u.reshape(len(u), -1)
    x = arrays["samples"].astype(np.float64) if "samples" in arrays else None

    def scaled(a):
        if header["scale"] == "unit":
            return a / 255.0
        return a if header["scale"] == "none" else (a - arrays["shift"]) * arrays["factor"]

    if header["primal"]:
        exact = scaled(u) @ arrays["weights"]
    else:
        exact = kernel(header["kernel"], scaled(u), scaled(x)) @ arrays["alpha"]
    compare(exact + arrays["offset"], np.load(scores))


def idx(folder, name):
    path = os.path.join(folder, "mnist", name)
    path = path if os.path.exists(path) or os.path.exists(path + ".gz") else os.path.join(folder, name)
    data = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz", "rb").read()
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def write_mnist(folder, part, n, x, y):
    np.save(x, idx(folder, part + "-images-idx3-ubyte")[: int(n)])
    np.save(y, idx(folder, part + "-labels-idx1-ubyte")[: int(n)].astype(np.int64))


def write_smooth(folder, n, m):
    rng = np.random.default_rng(7)
    for count, x_name, y_name in ((int(n), "x", "y"), (int(m), "u", "v")):
        x = rng.standard_normal((count, 6))
        y = np.stack([np.sin(x @ np.cos(np.arange(6) + c)) + 0.1 * rng.standard_normal(count) for c in range(3)], 1)
        np.save(os.path.join(folder, x_name), x)
        np.save(os.path.join(folder, y_name), y)


if __name__ == "__main__":
    checks = {"dual": check_dual, "linear": check_linear, "model": check_model}
    checks.update({"mnist": write_mnist, "smooth": write_smooth})
    checks[sys.argv[1]](*sys.argv[2:])
