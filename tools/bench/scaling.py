"""Table and picture of the runs in a folder of tools/bench/scaling.sh: scaling.txt and scaling.svg.

Ideal is the time of n^2 d + n^3 / 3 flops at the dgemm rate of this machine, the median of those that the forecasts
measured just before each run. Gram, factor and refinement are set against it, and the whole command.
"""

import json
import pathlib
import statistics
import subprocess
import sys


def load(folder):
    runs = []
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(".forecast.json"):
            continue
        run = json.loads(path.read_text())
        forecast = path.with_suffix(".forecast.json")
        run["name"] = path.stem
        run["forecast"] = json.loads(forecast.read_text()) if forecast.exists() else None
        runs.append(run)
    return sorted(runs, key=lambda r: (r["dataset"], r["n_train"], r["name"]))


def seconds(s):
    return f"{s:.1f} s" if s < 100 else f"{int(s + 0.5) // 60} min {int(s + 0.5) % 60:02d} s"


def work_s(run):
    parts = ("gram_s", "factor_s", "refine_s", "solve_s")
    return sum(run[p] or 0 for p in parts)


def ratio(of, to):
    return f"{of / to:.2f}" if of and to else ""


def row(run, gflops):
    n, f = run["n_train"], run["forecast"]
    ideal = (n * n * run["dim"] + n**3 / 3) / (gflops * 1e9)
    return (
        run["name"],
        f"{n:,}",
        str(run["iterations"] or ""),
        f"{run['residual']:.1e}",
        f"{100 * run['train_error']:.2f} %",
        f"{100 * run['test_error']:.2f} %",
        f"{run['norm']:.2f}",
        seconds(work_s(run)),
        seconds(run["total_s"]),
        f"{work_s(run) / ideal:.2f}",
        f"{run['total_s'] / ideal:.2f}",
        f"{run['peak_rss_bytes'] / 2**30:.2f} GiB",
        ratio(f and f["total_s"], run["total_s"]),
        ratio(f and f["bytes"], run["peak_rss_bytes"]),
    )


HEAD = ("run", "n", "iterations", "residual", "training", "test", "norm", "solving", "whole", "of ideal", "whole",
        "memory", "forecast: time", "memory")


def table(runs, gflops):
    rows = [HEAD] + [row(r, gflops) for r in runs]
    widths = [max(len(r[c]) for r in rows) for c in range(len(HEAD))]
    lines = ["  ".join(t.ljust(w) if c == 0 else t.rjust(w) for c, (t, w) in enumerate(zip(r, widths))) for r in rows]
    return "\n".join(line.rstrip() for line in lines) + f"\n\nideal: at {gflops:.1f} Gflop/s of dgemm\n"


SERIES = (("double", "mnist-double"), ("mixed", "mnist-mixed"), ("cg, 1e-10", "mnist-cg"))


def is_of(run, prefix):
    rest = run["name"].removeprefix(prefix)
    full = {"mnist-mixed": "mnist-mixed", "mnist-cg": "mnist-cg-tol"}
    return run["name"] == full.get(prefix) or (rest[:1] == "-" and rest[1:].isdigit())


def picture(runs, gflops, to):
    script = [
        "set terminal svg size 900,420 font 'sans-serif,13' background 'white'",
        f"set output '{to}'",
        "set multiplot layout 1,2",
        "set logscale xy; set xlabel 'n'; set key top left; set grid; set xtics (5000,10000,20000,40000,60000)",
        "set xrange [4500:66000]",
    ]
    blocks, names = [], []
    for label, prefix in SERIES:
        points = [r for r in runs if is_of(r, prefix)]
        if points:
            blocks.append("\n".join(f"{r['n_train']} {r['total_s']} {r['peak_rss_bytes'] / 2**30}" for r in points))
            names.append(label)
    for k, block in enumerate(blocks):
        script += [f"$d{k} << EOD", block, "EOD"]
    plots = [f"$d{k} using 1:{{}} with linespoints pt 7 lw 2 title '{name}'" for k, name in enumerate(names)]
    ideal = f"(x*x*784+x**3/3)/({gflops}*1e9) with lines dt 2 lc 'gray40' title 'ideal fp64'"
    script += ["set ylabel 'seconds, whole command'", "plot " + ", ".join([p.format(2) for p in plots] + [ideal])]
    script += ["set ylabel 'peak memory, GiB'", "plot " + ", ".join(p.format(3) for p in plots)]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def main():
    folder = pathlib.Path(sys.argv[1])
    runs = load(folder)
    rates = [r["forecast"]["gemm_gflops"] for r in runs if r["forecast"]]
    if not rates:
        sys.exit(f"scaling.py: {folder}: no run with its forecast there")
    gflops = statistics.median(rates)
    text = table(runs, gflops)
    (folder / "scaling.txt").write_text(text)
    print(text, end="")
    picture(runs, gflops, folder / "scaling.svg")


main()
