"""The wavelet maps in numpy and scipy, as a peer to be timed against and a second opinion on the numbers.

    features_peer.py X.npy gabor|scattering [--ours F.npy] [--scales J] [--orientations L] [--pooling P] [--threads T]

X: n x height x width or n x channels x height x width; bytes are divided by 255. One line of JSON: seconds of the
transform (the bank is made before), and with --ours (n x dim, what minnorm wrote) the greatest difference. Single
precision. Images are taken in blocks, and a block is transformed by scipy.fft with T workers (numpy.fft, which has no
threads, where scipy is missing). The low-pass and the subsampling are one product of matrices on either side."""
import argparse
import json
import time

import numpy as np

try:
    import scipy.fft as fft
except ImportError:
    fft = None
BLOCK = 64


def gabor(side, sigma, slant, theta, xi):
    """Transform of the periodic Gabor function, from samples in space."""
    copies = int(9 * sigma * max(1, 1 / slant) / min(side)) + 2
    total = 0
    for a in range(-copies, copies + 1):
        for b in range(-copies, copies + 1):
            y, x = np.mgrid[a * side[0] : (a + 1) * side[0], b * side[1] : (b + 1) * side[1]]
            u, v = y * np.cos(theta) + x * np.sin(theta), x * np.cos(theta) - y * np.sin(theta)
            total = total + np.exp(-(u * u + (slant * v) ** 2) / (2 * sigma**2) + 1j * xi * u)
    return np.fft.fft2(total * slant / (2 * np.pi * sigma**2)).real


def bank(side, args):
    waves = []
    slant = 4 / args.orientations
    for j in range(args.scales):
        for l in range(args.orientations):
            shape = (side, 0.8 * 2**j, slant, np.pi * l / args.orientations)
            wave, envelope = gabor(*shape, 0.75 * np.pi / 2**j), gabor(*shape, 0)
            waves.append((wave - wave[0, 0] / envelope[0, 0] * envelope).astype(np.float32))
    return waves


def lowpass(n, pooling):
    """n / 2^pooling x n: every 2^pooling-th row of the circulant matrix of the Gaussian."""
    sigma, t = 0.8 * 2**pooling, np.arange(n)
    weights = sum(np.exp(-((t + n * k) ** 2) / (2 * sigma**2)) for k in range(-40, 41)) / (np.sqrt(2 * np.pi) * sigma)
    return weights[(t[:: 2**pooling, None] - t[None, :]) % n].astype(np.float32)


def features(x, waves, down, right, args):
    """x: block x channels x height x width, among zeros already."""
    pair = (
        (lambda z: fft.fft2(z, workers=args.threads), lambda z: fft.ifft2(z, workers=args.threads, overwrite_x=True))
        if fft
        else (lambda z: np.fft.fft2(z).astype(np.complex64), lambda z: np.fft.ifft2(z).astype(np.complex64))
    )
    forward, backward = pair
    out = []

    def smooth(u):
        out.append((down @ u @ right.T).reshape(len(u), -1))

    smooth(x)
    image = forward(x)
    for p, wave in enumerate(waves):
        u = np.abs(backward(image * wave))
        smooth(u)
        rest = waves[(p // args.orientations + 1) * args.orientations :] if args.map == "scattering" else []
        spectrum = forward(u) if rest else None
        for second in rest:
            smooth(np.abs(backward(spectrum * second)))
    return np.concatenate(out, axis=1)


def among_zeros(x, multiple):
    height, width = (-(-side // multiple) * multiple for side in x.shape[2:])
    out = np.zeros(x.shape[:2] + (height, width), np.float32)
    top, left = (height - x.shape[2]) // 2, (width - x.shape[3]) // 2
    out[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("images")
    parser.add_argument("map", choices=("gabor", "scattering"))
    parser.add_argument("--ours")
    parser.add_argument("--scales", type=int, default=3)
    parser.add_argument("--orientations", type=int, default=8)
    parser.add_argument("--pooling", type=int)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.pooling is None:
        args.pooling = 1 if args.map == "gabor" else 2
    x = np.load(args.images)
    x = x.reshape(len(x), -1, *x.shape[-2:])
    scale = np.float32(255 if x.dtype == np.uint8 else 1)
    ours = np.load(args.ours, mmap_mode="r") if args.ours else None
    multiple = 2 ** max(3, args.scales, args.pooling)
    side = among_zeros(x[:1], multiple).shape[2:]
    waves, down, right = bank(side, args), lowpass(side[0], args.pooling), lowpass(side[1], args.pooling)
    seconds, difference, dim = 0.0, 0.0, 0
    for i in range(0, len(x), BLOCK):
        start = time.perf_counter()
        f = features(among_zeros(x[i : i + BLOCK] / scale, multiple), waves, down, right, args)
        seconds += time.perf_counter() - start
        dim = f.shape[1]
        if ours is not None:
            difference = max(difference, float(np.abs(f - ours[i : i + BLOCK]).max()))
    result = {"library": "scipy.fft" if fft else "numpy.fft", "map": args.map, "n": len(x), "dim": dim, "seconds": seconds}
    if ours is not None:
        result["max_difference"] = difference
    print(json.dumps(result))


if __name__ == "__main__":
    main()
