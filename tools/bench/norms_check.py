#!/usr/bin/env python3
"""Compares two studies of norms, model by model: norms_check.py KEPT/norms.json NEW/norms.json

Rounding differs from one BLAS to the other: a norm may differ by 1e-4 of itself, an error by four samples of 2,000, a rank
correlation by 0.01."""
import json
import sys


def load(path):
    with open(path) as f:
        report = json.load(f)
    models = {m['model']: m for m in report['models']}
    if len(models) != len(report['models']):
        sys.exit(f'{path}: two models have the same name')
    ranks = {(c['measure'], of): c[of]['spearman'] for c in report['correlations'] for of in ('all', 'true_data')}
    return models, ranks


def differs(a, b, most):
    if a is None or b is None:
        return a is not b
    return abs(a - b) > most


def main(kept, new):
    models, ranks = load(kept)
    again, ranks_again = load(new)
    bad = [f'{name}: in one of the two only' for name in models.keys() ^ again.keys()]
    for name in models.keys() & again.keys():
        a, b = models[name], again[name]
        for key, most in (('norm', 1e-4 * abs(a['norm'])), ('train_error', 2e-3), ('test_error', 2e-3)):
            if differs(a[key], b[key], most):
                bad.append(f'{name}: {key} {a[key]} and {b[key]}')
    for key in ranks.keys() | ranks_again.keys():
        if differs(ranks.get(key), ranks_again.get(key), 0.01):
            bad.append(f'rank correlation of {key}: {ranks.get(key)} and {ranks_again.get(key)}')
    print('\n'.join(sorted(bad) + [f'{len(models)} models, {len(ranks)} rank correlations, {len(bad)} differ']))
    return 1 if bad else 0


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
