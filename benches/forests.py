"""Coverage, error and speed of causal forests against EconML, in one run on the same draws.

    python -m venv V && V/bin/pip install econml==0.17.0
    cargo build --release -p ceteris-causal --example forest_table --example forest_speed
    V/bin/python benches/forests.py target/release/examples WORK_FOLDER ../shared/data

Prints both tables of `benches/forests.md`, all rows of either.

Coverage: each row is a mean over draws of pointwise coverage of 95 % intervals on fresh rows, mean squared error of
tau, mean(err^2/variance) (1 where the variance is all there is to the error), mean standard error and seconds of CPU of
the fit. `dml` is EconML's `CausalForestDML` with nuisances of its own that are linear in the columns, lasso and
logistic; ceteris' `lines` are linear too, ridge and logistic with a chosen penalty. `engine` is EconML's `grf.CausalForest` with
`CausalForestDML`'s settings, given the centred outcome and treatment that ceteris' `splines` left. DRAWS is the number
of draws, PEER_DRAWS, ENGINE_DRAWS, LONG_DRAWS and REAL_DRAWS those of `dml`, of `engine`, of 2 000 trees and of real
covariates (0: none). A row says how many it had, and where a peer had fewer, ceteris has another row with those alone.

Speed: one thread each. Fits, one row with its interval and a batch with intervals; seconds of CPU, for the machine may
have other work, least of the repeats; ratios are the peer's figure by ours.
"""

import gzip
import os
import subprocess
import sys
import time
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = "1"
import numpy as np
import pandas as pd
from econml.dml import CausalForestDML
from econml.grf import CausalForest
from scipy.stats import beta, norm
from sklearn.linear_model import LassoCV, LogisticRegressionCV

warnings.filterwarnings("ignore")
BINARIES, FOLDER, DATA = sys.argv[1:4]
DRAWS = int(os.environ.get("DRAWS", 20))
PEER_DRAWS = int(os.environ.get("PEER_DRAWS", DRAWS))
ENGINE_DRAWS = int(os.environ.get("ENGINE_DRAWS", 5))
LONG_DRAWS = int(os.environ.get("LONG_DRAWS", 5))
REAL_DRAWS = int(os.environ.get("REAL_DRAWS", 5))
SEED = 500_000
TREES = 500
SIMULATED = ["kink", "aw1", "aw2", "aw3"]
Z = norm.ppf(0.975)


def simulated(name, rng, n=4000, p=10):
    steep = lambda x: 1 + 1 / (1 + np.exp(-20 * (x - 1 / 3)))
    if name == "kink":
        x = rng.standard_normal((n, p))
        e, tau, base = 1 / (1 + np.exp(-x[:, 0])), np.maximum(x[:, 1], 0), x[:, 2]
    else:
        x = rng.random((n, p))
        e = np.full(n, 0.5) if name == "aw2" else (1 + beta.pdf(x[:, 0], 2, 4)) / 4
        tau = np.zeros(n) if name == "aw1" else steep(x[:, 0]) * steep(x[:, 1])
        base = np.zeros(n) if name == "aw2" else 2 * x[:, 0] - 1
    d = (rng.random(n) < e) * 1
    return x, d, base + tau * d + rng.standard_normal(n), tau


def semi_synthetic(name):
    """Covariates, treatment, outcome and true effect of IHDP or ACIC 2016."""
    if name.startswith("ihdp"):
        t = np.loadtxt(gzip.open(f"{DATA}/ihdp_npci_{name[-1]}.csv.gz", "rt"), delimiter=",")
        return t[:, 5:], t[:, 0].astype(int), t[:, 1], t[:, 4] - t[:, 3]
    x = pd.get_dummies(pd.read_csv(f"{DATA}/acic2016_x.csv.gz")).to_numpy(float)
    z = pd.read_csv(f"{DATA}/acic2016_zymu_{name[-1]}.csv.gz")
    d = z["z"].to_numpy(int)
    return x, d, np.where(d == 1, z["y1"], z["y0"]), (z["mu1"] - z["mu0"]).to_numpy()


def draw(name, i):
    """A training and a test sample; semi-synthetic ones are cut four to one."""
    if name in SIMULATED:
        rng = np.random.default_rng(SEED + i + 7919 * SIMULATED.index(name))
        x, d, y, _ = simulated(name, rng)
        fresh, _, _, tau = simulated(name, rng)
        return x, d, y, fresh, tau
    x, d, y, tau = semi_synthetic(name)
    order = np.random.default_rng(SEED + i).permutation(len(y))
    train, test = order[len(y) // 5 :], order[: len(y) // 5]
    return x[train], d[train], y[train], x[test], tau[test]


def write(path, first, names, x):
    header = ",".join(names + [f"x{j + 1}" for j in range(x.shape[1])])
    np.savetxt(path, np.column_stack([*first, x]), delimiter=",", header=header, comments="", fmt="%.17g")


def judged(fitted, x, tau, fit_s):
    effect, error = fitted(x)
    gap = effect - tau
    held = np.abs(gap) <= Z * error
    return [held.mean(), (gap**2).mean(), (gap**2 / error**2).mean(), error.mean(), fit_s]


def engine(x, d, y, xt, tau, seed):
    start = time.process_time()
    forest = CausalForest(n_estimators=TREES, criterion="mse", min_samples_leaf=5, min_samples_split=10,
                          max_samples=0.45, min_balancedness_tol=0.45, honest=True, inference=True, fit_intercept=True,
                          subforest_size=4, n_jobs=1, random_state=seed).fit(x, d.reshape(-1, 1), y.reshape(-1, 1))
    fit_s = time.process_time() - start

    def ask(x):
        effect, variance = forest.predict_and_var(x)
        return effect.ravel(), np.sqrt(variance.ravel())

    return judged(ask, xt, tau, fit_s)


def dml(x, d, y, xt, tau, seed):
    start = time.process_time()
    model = CausalForestDML(model_y=LassoCV(), model_t=LogisticRegressionCV(), discrete_treatment=True, cv=5,
                            n_estimators=TREES, n_jobs=1, random_state=seed).fit(y, d, X=x)
    fit_s = time.process_time() - start

    def ask(x):
        found = model.effect_inference(x)
        return found.point_estimate.ravel(), found.stderr.ravel()

    return judged(ask, xt, tau, fit_s)


def own(name, draws, trees, nuisance):
    run = subprocess.run([f"{BINARIES}/forest_table", FOLDER, name, str(draws), str(trees), nuisance], check=True, capture_output=True, text=True)
    return [[float(v) for v in line.split(",")] for line in run.stdout.split()]


def show(name, who, rows):
    m = np.mean(rows, axis=0)
    print(f"| {name} | {who} | {len(rows)} | {m[0]:.3f} | {m[1]:.4f} | {m[2]:.2f} | {m[3]:.3f} | {m[4]:.2f} |", flush=True)


def coverage(name):
    real = name not in SIMULATED
    draws = REAL_DRAWS if real else DRAWS
    samples = [draw(name, i) for i in range(draws)]
    for i, (x, d, y, xt, tau) in enumerate(samples):
        write(f"{FOLDER}/{name}-{i}-train.csv", (y, d), ["y", "d"], x)
        write(f"{FOLDER}/{name}-{i}-test.csv", (tau,), ["tau"], xt)
    splines = "additive" if real else "spline"
    if LONG_DRAWS:
        show(name, "ceteris lines, 2 000 trees", own(name, min(draws, LONG_DRAWS), 2000, "linear"))
    ours = {"lines": own(name, draws, TREES, "linear"), "splines": own(name, draws, TREES, splines)}
    for what, rows in ours.items():
        show(name, f"ceteris {what}, {TREES} trees", rows)

    def peer(who, bound, fit, what):
        few = min(draws, bound)
        if few and few < draws:
            show(name, f"ceteris {what}, {TREES} trees, those draws", ours[what][:few])
        if few:
            show(name, f"EconML {who}, {TREES} trees", [fit(i, *samples[i]) for i in range(few)])

    def on_our_residuals(i, x, d, y, xt, tau):
        left = np.loadtxt(f"{FOLDER}/{name}-{i}-residuals.csv", delimiter=",", skiprows=1)
        return engine(x, left[:, 1], left[:, 0], xt, tau, i)

    peer("dml", PEER_DRAWS, lambda i, x, d, y, xt, tau: dml(x, d, y, xt, tau, i), "lines")
    peer("engine", ENGINE_DRAWS, on_our_residuals, "splines")


def least(times, work):
    """The least CPU time of some repeats."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return found


def speed():
    x, d, y, xt, tau = draw("kink", 0)
    train, test = f"{FOLDER}/speed-train.csv", f"{FOLDER}/speed-test.csv"
    write(train, (y, d), ["y", "d"], x)
    write(test, (tau,), ["tau"], xt)
    run = subprocess.run([f"{BINARIES}/forest_speed", train, test], check=True, capture_output=True, text=True)
    ours = dict((k, float(v)) for k, v in (line.split(",") for line in run.stdout.split()))
    print("\n| what | ceteris | EconML | ratio |")
    print("|---|---|---|---|")
    for trees in (100, 500, 2000):
        model = CausalForestDML(model_y=LassoCV(), model_t=LogisticRegressionCV(), discrete_treatment=True, cv=5,
                                n_estimators=trees, n_jobs=1, random_state=1)
        peer = least(1, lambda: model.fit(y, d, X=x))[0]
        own_s = ours[f"fit_{trees}_cpu_s"]
        print(f"| fit of {trees} trees, CPU | {own_s:.2f} s (wall {ours[f'fit_{trees}_wall_s']:.2f} s) | {peer:.1f} s | {peer / own_s:.1f} |", flush=True)
        if trees == 500:
            asked = model
            asked.effect_interval(xt[:1])
            row = np.median(least(50, lambda: asked.effect_interval(xt[:1]))) * 1e6
            batch = len(xt) / min(least(5, lambda: asked.effect_inference(xt).stderr))
            bare = len(xt) / min(least(5, lambda: asked.effect(xt)))
    us = lambda what, kind="_quiet": f"{ours[what + kind + '_p50_us']:.2f} us ({ours[what + kind + '_p99_us']:.2f} us)"
    print(f"| one row with its interval, 500 trees, p50 (p99) of the quietest 200 | {us('row_500')} | {row:.0f} us | {row / ours['row_500_quiet_p50_us']:.0f} |")
    print(f"| the same, of all 20 000 | {us('row_500', '')} | | |")
    rate = ours["batch_500_rows_per_cpu_s"]
    print(f"| rows with their intervals a second of CPU, 500 trees, one batch | {rate:.0f} | {batch:.0f} | {rate / batch:.1f} |")
    print(f"| the peer's without intervals | {rate:.0f} (with them) | {bare:.0f} | {rate / bare:.1f} |")
    print(f"| one row with intervals, linear, 4 arms, p50 (p99) | {us('linear_4_arms')} | | |")
    print(f"| arrays of 2 000 trees | {ours['bytes_2000'] / 1e6:.1f} MB | | |", flush=True)


os.makedirs(FOLDER, exist_ok=True)
print("| process | who | draws | coverage | MSE | mean(err²/var) | std. error | fit CPU s |")
print("|---|---|---|---|---|---|---|---|")
for name in os.environ.get("NAMES", "kink aw1 aw2 aw3 acic1 ihdp1").split():
    coverage(name)
if os.environ.get("SPEED", "1") == "1":
    speed()
