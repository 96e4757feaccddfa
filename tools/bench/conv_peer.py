"""The convolutional layer in numpy, as its peer: sliding windows, normalised patches, matrix products, pooling.

Filters are read, not drawn: FILTERS.npy is filters x (channels * patch * patch), what normalised patches are
multiplied with; OFFSETS.npy, a number a filter, is subtracted from its responses (none: 0). Without them Gaussian
filters of norm 1 are drawn, which is enough for a rate. IMAGES.npy is images x channels x height x width, or without
channels, bytes or reals; bytes are divided by 255. Prints images a second, and with --ours FILE.npy (images x features) the largest
difference and the largest feature. Features come in groups of 256 filters: half of the rectifier, window, filter, the
last fastest."""
import argparse
import time

import numpy as np

GROUP = 256


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("images")
    p.add_argument("--filters", help="FILTERS.npy")
    p.add_argument("--offsets", help="OFFSETS.npy")
    p.add_argument("--ours", help="features of the same images to compare with")
    p.add_argument("--n", type=int, default=1000, help="images, the first ones (default 1000)")
    p.add_argument("--count", type=int, default=1024, help="filters, when they are drawn (default 1024)")
    p.add_argument("--patch", type=int, default=6)
    p.add_argument("--norm", choices=["raw", "center", "norm", "unit"], default="norm")
    p.add_argument("--constant", type=float, default=10, help="added to the variance, for bytes (default 10)")
    p.add_argument("--rectifier", choices=["relu", "twosided", "abs"], default="twosided")
    p.add_argument("--bias", type=float, default=0.25)
    p.add_argument("--pool", choices=["average", "sum", "max"], default="sum")
    p.add_argument("--window", type=int, default=14)
    p.add_argument("--stride", type=int, default=13)
    p.add_argument("--ceil", action="store_true")
    return p.parse_args()


def windows_of(size, a):
    """(begin, end) of the pooling windows along an axis."""
    begin = 0
    while begin < size and (a.ceil or begin + a.window <= size):
        yield begin, min(begin + a.window, size)
        if begin + a.window >= size:
            break
        begin += a.stride


def patches_of(image, a, constant):
    """positions x taps, normalised."""
    p = a.patch
    view = np.lib.stride_tricks.sliding_window_view(image, (p, p), axis=(1, 2))
    x = view.transpose(1, 2, 0, 3, 4).reshape(view.shape[1] * view.shape[2], -1)
    if a.norm == "raw":
        return x
    x = x - x.mean(axis=1, keepdims=True)
    if a.norm == "center":
        return x
    square = (x * x).mean(axis=1, keepdims=True)
    under = square + constant if a.norm == "norm" else square * x.shape[1]
    return x * np.where(under > 0, 1 / np.sqrt(np.where(under > 0, under, 1)), 0).astype(x.dtype)


def halves_of(z, a):
    if a.rectifier == "abs":
        return [np.abs(z)]
    halves = [np.maximum(z - np.float32(a.bias), 0)]
    return halves + [np.maximum(-z - np.float32(a.bias), 0)] if a.rectifier == "twosided" else halves


def features_of(patches, rows, columns, weights, offsets, a):
    """weights: taps x filters of one group."""
    pool = {"average": np.mean, "sum": np.sum, "max": np.max}[a.pool]
    z = patches @ weights - offsets
    out = []
    for half in halves_of(z, a):
        half = half.reshape(rows, columns, -1)
        for y0, y1 in windows_of(rows, a):
            strip = pool(half[y0:y1], axis=0)  # over rows first: long contiguous sums
            out += [pool(strip[x0:x1], axis=0) for x0, x1 in windows_of(columns, a)]
    return np.concatenate(out)


def features_of_image(image, groups, a, constant):
    rows, columns = image.shape[1] - a.patch + 1, image.shape[2] - a.patch + 1
    patches = patches_of(image, a, constant)
    return np.concatenate([features_of(patches, rows, columns, w, c, a) for w, c in groups])


def load_filters(a, taps):
    if a.filters:
        weights = np.load(a.filters).astype(np.float32)
    else:
        weights = np.random.default_rng(0).standard_normal((a.count, taps)).astype(np.float32)
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    offsets = np.load(a.offsets).astype(np.float32) if a.offsets else np.zeros(len(weights), np.float32)
    return weights, offsets


def main():
    a = arguments()
    images = np.load(a.images, mmap_mode="r")[: a.n]
    images = images.reshape(len(images), -1, *images.shape[-2:])
    scale = np.float32(1 / 255) if images.dtype == np.uint8 else np.float32(1)
    constant = np.float32(a.constant) * (scale * scale if images.dtype == np.uint8 else 1)
    images = np.ascontiguousarray(images, dtype=np.float32) * scale
    weights, offsets = load_filters(a, images.shape[1] * a.patch**2)
    groups = [(np.ascontiguousarray(weights[g : g + GROUP].T), offsets[g : g + GROUP])
              for g in range(0, len(weights), GROUP)]
    start = time.perf_counter()
    features = np.stack([features_of_image(x, groups, a, constant) for x in images])
    seconds = time.perf_counter() - start
    rows, columns = images.shape[2] - a.patch + 1, images.shape[3] - a.patch + 1
    flops = 2.0 * rows * columns * weights.shape[1] * len(weights) * len(images)
    print("%d images, %d filters, %d features: %.2f s, %.1f images/s, %.1f Gflop/s"
          % (len(images), len(weights), features.shape[1], seconds, len(images) / seconds, flops / seconds * 1e-9))
    if a.ours:
        ours = np.load(a.ours, mmap_mode="r")[: len(images)]
        print("largest difference %.3g, largest feature %.3g" % (np.abs(ours - features).max(), np.abs(features).max()))


if __name__ == "__main__":
    main()
