"""An independent check of a network that minnorm express saved: a forward pass in numpy from its files alone.

  network.py check   NETWORK REPORT.json X.npy Y.npy   outputs at all samples against labels or targets
  network.py random  N CLASSES Y.npy                   writes N labels drawn by numpy

X are features as minnorm read them: bytes from 0 to 255, or numbers. Says what it finds, and exits with 1 when an
output is wrong. Up to 2,500 samples, and where numpy has them, numbers of 64 bits of mantissa are held against
minnorm's compensated ones: rounding, which depends on the order of summation and so on the BLAS below numpy, is out of
the way. Beyond, numpy's error in fp64 may be ten times the largest one that minnorm reports (at n = 60,000 it is 2 or 3
times that).
"""
import json
import sys

import numpy as np

BLOCK = 1 << 24  # values of a hidden layer held at a time: 128 MiB


def forward(folder, X):
    """Outputs of the network at each row of X."""
    load = lambda name: np.load(f"{folder}/{name}.npy")
    relu = lambda t: np.maximum(t, 0)
    layers = json.load(open(f"{folder}/network.json"))["layers"]
    u = X @ load("a")
    p = offset = load("offset") if len(layers) > 1 else 0.0
    for layer in layers:
        b, w = load(layer["b"]), load(layer["w"])
        p = relu(p) + relu(u[:, None] - b) @ w
        if layer is layers[0]:
            u = relu(u - b[0])
    return p - offset


def in_blocks(folder, x, real):
    units = max(layer["units"] for layer in header(folder)["layers"])
    rows = max(1, BLOCK // units)
    return np.concatenate([forward(folder, x[i : i + rows].astype(real)) for i in range(0, len(x), rows)])


def header(folder):
    return json.load(open(f"{folder}/network.json"))


def targets(head, y):
    """What the outputs must be: m x outputs."""
    if head["options"]["targets"] == "label":
        return y.reshape(len(y), -1).astype(np.float64)
    own = y.reshape(-1, 1) == np.array(head["labels"])
    return np.where(own, 1.0, -1.0 if head["options"]["targets"] == "pm1" else 0.0)


def decided(head, out):
    """The label each row of outputs stands for."""
    labels = np.array(head["labels"])
    if out.shape[1] > 1:
        return labels[out.argmax(1)]
    return labels[np.abs(out - labels).argmin(1)]


def stored(folder, head):
    names = ["a"] + [layer[k] for layer in head["layers"] for k in "bw"] + ["offset"] * (head["depth"] > 2)
    return sum(np.load(f"{folder}/{name}.npy").size for name in names)


def formula(n, d, outputs, depth):
    """2n + d for one output and two layers; more layers take a unit between two of them, and the offset."""
    more = (depth - 2) * (1 + outputs) + outputs if depth > 2 else 0
    return d + n * (1 + outputs) + more


def require(holds, text):
    print(("" if holds else "WRONG: ") + text)
    if not holds:
        sys.exit(1)


def check(folder, report, x, y):
    head, r, x, y = header(folder), json.load(open(report)), np.load(x), np.load(y)
    x = x.reshape(len(x), -1)
    d, n, wanted = x.shape[1], r["distinct"], targets(head, y)
    require(stored(folder, head) == r["weights"], "%d weights stored" % r["weights"])
    require(formula(n, d, wanted.shape[1], head["depth"]) == r["weights"], "as many as the formula says")
    out = in_blocks(folder, x, np.float64)
    require(out.shape == wanted.shape, "outputs %s" % (out.shape,))
    if head["labels"]:
        missed = np.count_nonzero(decided(head, out) != y.reshape(-1))
        require(missed == 0, "%d of %d labels missed" % (missed, len(y)))
    if len(x) <= 2500 and np.finfo(np.longdouble).eps < np.finfo(np.float64).eps:
        check_precise(folder, r, x, wanted)
    else:
        error = np.abs(out - wanted).max()
        limit = 10 * r["max_error"] + 1e-14 * r["target_max"]
        require(error <= limit, "largest error %.2e, minnorm's %.2e" % (error, r["max_error"]))


def check_precise(folder, r, x, wanted):
    """Rounding is 2^-11 of that in fp64; what is left is the error of the weights."""
    error = np.abs(in_blocks(folder, x, np.longdouble) - wanted).max()
    limit = 2 * r["max_error_compensated"] + r["max_error"] / 200
    text = "largest error %.2e in extended precision, minnorm's compensated %.2e"
    require(error <= limit, text % (error, r["max_error_compensated"]))


def write_random(n, classes, path):
    np.save(path, np.random.default_rng(1).integers(0, int(classes), int(n)))


if __name__ == "__main__":
    {"check": check, "random": write_random}[sys.argv[1]](*sys.argv[2:])
