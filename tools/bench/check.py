"""What accuracy each program reached, computed in fp64 and independently of all of them.

    check.py X.npy y.npy TEST.npy TEST_LABELS.npy GAMMA NAME=ALPHA.npy,SCORES.npy...     JSON on standard output

Pixels are integers, so are their inner products and r^2: the Gram matrix here is exact but for one multiplication and
one exponential an element. residual: |K alpha - Y| / |Y| of the system without ridge, whatever the program solved.
test_error: from K(test, X) alpha. scores_difference: greatest difference to the scores that the program wrote."""
import json
import sys

import numpy as np

BLOCK = 1000


def samples(path):
    x = np.load(path)
    return x.reshape(len(x), -1).astype(float)


def gram(a, b, gamma):
    r2 = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
    return np.exp(r2 * (-gamma / 255**2))


def product(a, b, gamma, v):
    return np.concatenate([gram(a[i : i + BLOCK], b, gamma) @ v for i in range(0, len(a), BLOCK)])


def main():
    x, test = (samples(sys.argv[i]) for i in (1, 3))
    labels, test_labels = (np.load(sys.argv[i]) for i in (2, 4))
    gamma = float(sys.argv[5])
    files = dict(arg.rsplit("=", 1) for arg in sys.argv[6:])
    classes = np.unique(labels)
    y = (labels[:, None] == classes[None, :]).astype(float)
    pairs = {name: [np.load(file) for file in text.split(",")] for name, text in files.items()}
    coefficients = np.hstack([alpha for alpha, _ in pairs.values()])
    fitted, predicted = product(x, x, gamma, coefficients), product(test, x, gamma, coefficients)
    out, k = {}, len(classes)
    for i, (name, (alpha, scores)) in enumerate(pairs.items()):
        own, tested = fitted[:, k * i : k * (i + 1)], predicted[:, k * i : k * (i + 1)]
        out[name] = {
            "residual": float(np.linalg.norm(own - y) / np.linalg.norm(y)),
            "train_error": float(np.mean(classes[own.argmax(1)] != labels)),
            "test_error": float(np.mean(classes[tested.argmax(1)] != test_labels)),
            "scores_difference": float(np.abs(tested - scores).max()),
        }
    print(json.dumps(out))


main()
