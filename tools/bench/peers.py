"""Runs every program of a comparison and reports time, peak memory and accuracy; called by peers.sh.

Each run is a whole process: start, reading the .npy files, Gram matrix, solution, prediction of the test images,
writing coefficients and scores. Seconds are wall-clock; the peak is what wait4 reports of the process (ru_maxrss).
Programs take turns within a repeat, so that a disturbance meets all of them. No module besides Python's own is
imported: a child's peak includes what this process occupied when it forked."""
import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SPARE_RIDGE = "1e-8"  # where a program cannot solve the system without one


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--minnorm", required=True)
    p.add_argument("--work", required=True)
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--threads", type=int, required=True)
    p.add_argument("--gamma", default="0.02")
    p.add_argument("--limit", type=float, default=3600)
    p.add_argument("--only", default="")
    p.add_argument("--json")
    p.add_argument("--data", required=True, help="what the images are, for the report")
    p.add_argument("sizes", type=int, nargs="+")
    return p.parse_args()


def output_of(command):
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except OSError:
        return ""
    return run.stdout.decode(errors="replace")


def choices_of(help_text, option):
    """What `minnorm fit --help` lists behind "One of" for an option."""
    about = re.search(r"--%s [A-Z]+\s+(.*?)(?=\n +(?:-., )?--|\n\n|\Z)" % option, help_text, re.S)
    text = " ".join(about.group(1).split()) if about else ""
    listed = re.search(r"One of ([a-z0-9, -]+)\.", text)
    return listed.group(1).split(", ") if listed else []


def minnorm_programs(a):
    help_text = output_of([a.minnorm, "fit", "--help"])
    wanted = [("precision", "double"), ("precision", "mixed"), ("solver", "cg")]
    for option, value in wanted:
        if value in choices_of(help_text, option):
            yield "minnorm --%s %s" % (option, value), ["--" + option, value]


def version_of(module):
    return output_of(["/usr/bin/python3", "-c", "import %s as m; print(m.__version__)" % module]).strip()


def peer_programs(a):
    """name: the command before its six arguments; or None with the reason."""
    python = ["/usr/bin/python3"]
    sklearn, scipy, octave = version_of("sklearn"), version_of("scipy"), output_of(["octave-cli", "--version"])
    sklearn, scipy = ("" if "Error" in v else v for v in (sklearn, scipy))
    octave = re.search(r"version ([0-9.]+)", octave)
    lapack = os.path.join(a.work, "peer_lapack")
    built = os.access(lapack, os.X_OK)
    yield "scikit-learn %s KernelRidge" % sklearn, sklearn and python + [HERE + "/peer_sklearn.py"]
    yield "scipy %s cho_factor" % scipy, scipy and python + [HERE + "/peer_scipy.py"]
    yield "LAPACK dposv", built and [lapack, "dposv"]
    yield "LAPACK dsposv (mixed)", built and [lapack, "dsposv"]
    yield "Octave %s backslash" % (octave.group(1) if octave else ""), octave and [
        "octave-cli", "--norc", "--quiet", HERE + "/peer_octave.m"]


def programs(a):
    """name: function of (files, ridge, out) that gives the command; None when the program is not installed."""
    def minnorm(options):
        return lambda f, ridge, out: [
            a.minnorm, "fit", "-q", "--train", "npy:%s,%s" % (f["x"], f["y"]), "--test",
            "npy:%s,%s" % (f["test"], f["test_y"]), "--kernel", "gaussian", "--gamma", a.gamma, "--scale", "unit",
            "--ridge", ridge, "--threads", str(a.threads), "--save", out + ".model", "--scores", out + ".scores.npy",
            "--json", out + ".json"] + options

    def peer(command):
        return lambda f, ridge, out: command + [f["x"], f["y"], f["test"], a.gamma, ridge, out]

    all_of_them = {name: minnorm(options) for name, options in minnorm_programs(a)}
    for name, command in peer_programs(a):
        all_of_them[name] = peer(command) if command else None
    words = [w.lower() for w in a.only.split(",") if w]
    return {name: f for name, f in all_of_them.items() if not words or any(w in name.lower() for w in words)}


def run(command, a):
    """Wall seconds, processor seconds, peak bytes, exit status and last words of a process."""
    names = ("OPENBLAS", "OMP", "MKL", "BLIS", "NUMEXPR")
    env = dict(os.environ, **{name + "_NUM_THREADS": str(a.threads) for name in names})
    with open(os.path.join(a.work, "log"), "w+b") as log:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        timer = threading.Timer(a.limit, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begin
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)  # reaped here, not by Popen
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_rss_bytes": usage.ru_maxrss * 1024,
            "status": child.returncode, "words": words[-1] if words else ""}


def median(values):
    v = sorted(values)
    return (v[len(v) // 2] + v[(len(v) - 1) // 2]) / 2


def first_run(a, command_of, f, out):
    """Without ridge if the program can, else with the least one."""
    for ridge in ("0", SPARE_RIDGE):
        result = run(command_of(f, ridge, out), a)
        if result["status"] == 0 or result["status"] == -9:
            break
    return ridge, result


def measure(a, all_of_them, f):
    """All repeats at one size; a point for each program."""
    points = {}
    for repeat in range(a.repeat):
        for i, (name, command_of) in enumerate(all_of_them.items()):
            p = points.setdefault(name, {"name": name, "out": os.path.join(a.work, "out%d" % i), "runs": []})
            if not command_of:
                p["note"] = "not installed"
            if "note" in p:
                continue
            print("%s %d: %s" % (f["n"], repeat + 1, name), file=sys.stderr)
            if repeat == 0:
                p["ridge"], result = first_run(a, command_of, f, p["out"])
            else:
                result = run(command_of(f, p["ridge"], p["out"]), a)
            p["words"] = result["words"]
            if result["status"]:
                p["note"] = "exit status %d: %s" % (result["status"], result["words"])
            p["runs"].append(result)
    return points


def alpha_of(out):
    model = os.path.join(out + ".model", "alpha.npy")
    return model if os.path.exists(model) else out + ".alpha.npy"


def add_accuracy(a, points, f):
    done = {n: p for n, p in points.items() if "note" not in p}
    pairs = ["%s=%s,%s.scores.npy" % (n, alpha_of(p["out"]), p["out"]) for n, p in done.items()]
    if not pairs:
        return
    command = ["/usr/bin/python3", HERE + "/check.py", f["x"], f["y"], f["test"], f["test_y"], a.gamma] + pairs
    print("%s: accuracy" % f["n"], file=sys.stderr)
    for name, values in json.loads(subprocess.check_output(command)).items():
        done[name].update(values)


def summary(p):
    """What the report keeps of a program at one size."""
    keep = ("name", "note", "ridge", "residual", "train_error", "test_error", "scores_difference", "words")
    out = {key: p[key] for key in keep if p.get(key) not in (None, "")}
    if "ridge" in out:
        out["ridge"] = float(out["ridge"])
    if "note" not in p:
        for key in ("wall_s", "cpu_s", "peak_rss_bytes"):
            out[key] = median([r[key] for r in p["runs"]])
        out["wall_s_each"] = [r["wall_s"] for r in p["runs"]]
        if os.path.exists(p["out"] + ".json"):
            with open(p["out"] + ".json", encoding="utf-8") as file:
                report = json.load(file)
            passes = ("solver", "precision", "fallbacks", "iterations", "gram_s", "factor_s", "refine_s", "solve_s",
                      "predict_s", "total_s", "residual", "norm")
            out["report"] = {key: report[key] for key in passes if key in report}
    return out


def clean(points):
    for p in points.values():
        subprocess.run(["rm", "-rf"] + [p["out"] + e for e in (".model", ".json", ".alpha.npy", ".scores.npy")],
                       check=True)


def print_table(a, n, rows):
    fastest = min((r["wall_s"] for r in rows if "wall_s" in r), default=None)
    print("\n%s training images of %s, 2,000 test images, gamma %s, %d threads, median of %d" % (
        format(n, ","), a.data, a.gamma, a.threads, a.repeat))
    print("%-32s %9s %6s %9s %9s %7s %9s %7s %9s" % (
        "", "seconds", "times", "cpu s", "peak MiB", "ridge", "residual", "test", "scores"))
    for r in rows:
        if "wall_s" not in r:
            print("%-32s %s" % (r["name"], r.get("note", "")))
            continue
        print("%-32s %9.2f %6.2f %9.2f %9.0f %7g %9.1e %5.2f %% %9.0e" % (
            r["name"], r["wall_s"], r["wall_s"] / fastest, r["cpu_s"], r["peak_rss_bytes"] / 2**20, r["ridge"],
            r["residual"], 100 * r["test_error"], r["scores_difference"]))
    sys.stdout.flush()


def cpu_name():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found.group(1) if found else None


def main():
    a = arguments()
    info = json.loads(output_of([a.minnorm, "info", "--json", "-"]))
    report = {"data": a.data, "gamma": float(a.gamma), "n_test": 2000, "threads": a.threads, "repeat": a.repeat,
              "cpu": cpu_name(), "minnorm": info.get("version"), "blas": info.get("blas"),
              "numpy": version_of("numpy"), "load_before": os.getloadavg(), "points": []}
    all_of_them = programs(a)
    for n in a.sizes:
        names = {"x": "x%d" % n, "y": "y%d" % n, "test": "xt", "test_y": "yt"}
        f = {key: os.path.join(a.work, name + ".npy") for key, name in names.items()}
        points = measure(a, all_of_them, dict(f, n=n))
        add_accuracy(a, points, dict(f, n=n))
        rows = [summary(p) for p in points.values()]
        clean(points)
        print_table(a, n, rows)
        report["points"].append({"n": n, "programs": rows})
    report["load_after"] = os.getloadavg()
    if a.json:
        with open(a.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent="\t")
            file.write("\n")


main()
