"""Peer: scikit-learn's KernelRidge. X.npy y.npy TEST.npy GAMMA RIDGE OUT -> OUT.alpha.npy, OUT.scores.npy"""
import sys

import numpy as np
from sklearn.kernel_ridge import KernelRidge

x_file, y_file, test_file, gamma, ridge, out = sys.argv[1:]
labels = np.load(y_file)
targets = (labels[:, None] == np.unique(labels)[None, :]).astype(float)


def samples(path):
    x = np.load(path)
    return x.reshape(len(x), -1) / 255.0


model = KernelRidge(kernel="rbf", gamma=float(gamma), alpha=float(ridge))
model.fit(samples(x_file), targets)
np.save(out + ".alpha.npy", model.dual_coef_)
np.save(out + ".scores.npy", model.predict(samples(test_file)))
