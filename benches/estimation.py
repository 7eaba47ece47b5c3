"""Speed and memory of double machine learning against DoubleML, in one run on the same tables.

    python3 -m venv V && V/bin/pip install doubleml
    cargo build --release -p ceteris-causal --example estimation_speed
    V/bin/python benches/estimation.py target/release/examples WORK_FOLDER

Prints the tables of `benches/estimation.md`. PLR and IRM (ATE), five folds, one repeat, one thread each. `linear` is
least squares for means and unpenalised logit for propensities on both sides; `forest` a hundred trees with leaves of at
least five rows, seven of twenty columns looked at in a node and 63 % of the rows a tree (the peer's with replacement, on
every value; ours without, on 64 bins a column). Timed is the fit alone, not the reading; seconds of CPU and of wall, least
of FITS fits (FOREST_FITS with forests); ratios are the peer's CPU by ours. ROWS and FOREST_ROWS are the tables' rows,
MEMORY_ROWS those of the memory table, whose peak of the whole process, data included, is the kernel's (VmHWM).
"""

import os
import subprocess
import sys
import time
import warnings

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[threads] = "1"
import doubleml
import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

warnings.filterwarnings("ignore")
FITS = int(os.environ.get("FITS", 5))
FOREST_FITS = int(os.environ.get("FOREST_FITS", 1))
ROWS = [int(n) for n in os.environ.get("ROWS", "10000 100000").split()]
FOREST_ROWS = [int(n) for n in os.environ.get("FOREST_ROWS", "10000").split()]
MEMORY_ROWS = int(os.environ.get("MEMORY_ROWS", 1_000_000))
COLUMNS = 20
SEED = 700_000


def simulated(n):
    """Normal covariates, ten of which move both; treatment by a logit; an effect of 1 that varies with the first."""
    rng = np.random.default_rng(SEED + n)
    x = rng.standard_normal((n, COLUMNS))
    slopes = np.r_[1 / np.arange(1, 11), np.zeros(COLUMNS - 10)]
    d = (rng.random(n) < 1 / (1 + np.exp(-0.5 * x @ slopes))) * 1.0
    return (1 + 0.5 * x[:, 0]) * d + x @ slopes + rng.standard_normal(n), d, x


def written(n, folder):
    """The table as csv, and what was read back of it."""
    path = f"{folder}/estimation-{n}.csv"
    if not os.path.exists(path):
        y, d, x = simulated(n)
        names = ["y", "d"] + [f"x{j + 1}" for j in range(COLUMNS)]
        np.savetxt(path, np.column_stack([y, d, x]), delimiter=",", header=",".join(names), comments="", fmt="%.17g")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return path, table[:, 0], table[:, 1], table[:, 2:]


def peer(method, learners, y, d, x):
    """A model of the peer, not yet fitted."""
    forest = dict(n_estimators=100, min_samples_leaf=5, max_features=7, max_samples=0.63, n_jobs=1, random_state=1)
    if learners == "linear":
        mean, chance = LinearRegression(), LogisticRegression(C=np.inf)
    else:
        mean, chance = RandomForestRegressor(**forest), RandomForestClassifier(**forest)
    data = doubleml.DoubleMLData.from_arrays(x, y, d)
    if method == "plr":
        return doubleml.DoubleMLPLR(data, mean, mean if learners == "linear" else chance, n_folds=5)
    return doubleml.DoubleMLIRM(data, mean, chance, n_folds=5)


def timed(model, fits):
    """Least wall and CPU seconds of some fits."""
    wall, cpu = [], []
    for _ in range(fits):
        start, before = time.perf_counter(), time.process_time()
        model.fit()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - before)
    return min(wall), min(cpu)


def told(words):
    """Our half: its `what,value` lines."""
    run = subprocess.run(words, check=True, capture_output=True, text=True)
    return {what: float(value) for what, value in (line.split(",") for line in run.stdout.split())}


def speed(binary, folder):
    print("| rows | model | ceteris CPU (wall) | DoubleML CPU (wall) | ratio | ceteris | DoubleML |")
    print("|---|---|---|---|---|---|---|")
    for learners, rows, fits in (("linear", ROWS, FITS), ("forest", FOREST_ROWS, FOREST_FITS)):
        for n in rows:
            path, y, d, x = written(n, folder)
            ours = told([binary, path, str(fits), learners])
            for method in ("plr", "irm"):
                model = peer(method, learners, y, d, x)
                wall, cpu = timed(model, fits)
                name = f"{method}_{learners}"
                own_wall, own_cpu = ours[f"{name}_wall_s"], ours[f"{name}_cpu_s"]
                found = f"{ours[f'{name}_estimate']:.4f} ({ours[f'{name}_std_error']:.4f})"
                print(f"| {n} | {method.upper()}, {learners} | {own_cpu:.3f} s ({own_wall:.3f} s) | {cpu:.3f} s ({wall:.3f} s) "
                      f"| {cpu / own_cpu:.1f} | {found} | {model.coef[0]:.4f} ({model.se[0]:.4f}) |", flush=True)


def memory(binary):
    print(f"\n| one fit to {MEMORY_ROWS} rows of {COLUMNS} covariates | peak, data included | by the data's bytes | wall |")
    print("|---|---|---|---|")
    for method, learners in (("plr", "linear"), ("irm", "linear")):
        found = told([binary, "memory", str(MEMORY_ROWS), str(COLUMNS), method, learners])
        print(f"| {method.upper()}, {learners} | {found['peak_bytes'] / 1e6:.0f} MB | "
              f"{found['peak_bytes'] / found['data_bytes']:.2f} | {found['wall_s']:.1f} s |", flush=True)


if __name__ == "__main__":
    binaries, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    speed(f"{binaries}/estimation_speed", folder)
    memory(f"{binaries}/estimation_speed")
