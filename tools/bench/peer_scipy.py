"""Peer: a Gram matrix in numpy, in place, and scipy's Cholesky. Arguments and files as in peer_sklearn.py"""
import sys

import numpy as np
from scipy.linalg import cho_factor, cho_solve


def samples(path):
    x = np.load(path)
    return x.reshape(len(x), -1) / 255.0


def gram(a, b, gamma):
    k = a @ b.T
    k *= -2
    k += np.einsum("ij,ij->i", a, a)[:, None]
    k += np.einsum("ij,ij->i", b, b)[None, :]
    np.maximum(k, 0, out=k)
    k *= -gamma
    return np.exp(k, out=k)


x_file, y_file, test_file, gamma, ridge, out = sys.argv[1:]
x, labels = samples(x_file), np.load(y_file)
targets = (labels[:, None] == np.unique(labels)[None, :]).astype(float)
k = gram(x, x, float(gamma))
k.flat[:: len(x) + 1] += float(ridge)
# the transpose of a symmetric matrix is itself, in the order that LAPACK overwrites
factor = cho_factor(k.T, lower=True, overwrite_a=True, check_finite=False)
alpha = cho_solve(factor, targets, check_finite=False)
del k, factor
np.save(out + ".alpha.npy", np.ascontiguousarray(alpha))
np.save(out + ".scores.npy", gram(samples(test_file), x, float(gamma)) @ alpha)
