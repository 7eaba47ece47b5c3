"""Coverage and error of causal forests against EconML, in one run on the same draws.

    python -m venv V && V/bin/pip install econml
    cargo build --release -p ceteris-causal --example forest_table
    V/bin/python benches/forests.py target/release/examples/forest_table WORK_FOLDER ../shared/data

Each row of the table is a mean over draws of: pointwise coverage of 95 % intervals on fresh rows, mean squared error of
tau, mean(err^2/variance) (1 where the variance is all there is to the error), mean standard error, seconds of fit and
of effects with errors for the fresh rows. `engine` is EconML's `grf.CausalForest` with `CausalForestDML`'s settings,
given the centred outcome and treatment that this house's nuisances left; `dml` is `CausalForestDML` with lasso and
logistic nuisances of its own. PEER_DRAWS bounds the draws that EconML, which is slow, is given (0: none); LONG_DRAWS those of 2 000 trees.
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
BINARY, FOLDER, DATA = sys.argv[1:4]
DRAWS = int(os.environ.get("DRAWS", 20))
PEER_DRAWS = int(os.environ.get("PEER_DRAWS", DRAWS))
LONG_DRAWS = int(os.environ.get("LONG_DRAWS", DRAWS))
REAL_DRAWS = int(os.environ.get("REAL_DRAWS", 5))
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
        rng = np.random.default_rng(1000 + i + 7919 * SIMULATED.index(name))
        x, d, y, _ = simulated(name, rng)
        fresh, _, _, tau = simulated(name, rng)
        return x, d, y, fresh, tau
    x, d, y, tau = semi_synthetic(name)
    order = np.random.default_rng(1000 + i).permutation(len(y))
    train, test = order[len(y) // 5 :], order[: len(y) // 5]
    return x[train], d[train], y[train], x[test], tau[test]


def write(path, first, names, x):
    header = ",".join(names + [f"x{j + 1}" for j in range(x.shape[1])])
    np.savetxt(path, np.column_stack([*first, x]), delimiter=",", header=header, comments="", fmt="%.17g")


def judged(fitted, x, tau, fit_s):
    start = time.time()
    effect, error = fitted(x)
    gap = effect - tau
    held = np.abs(gap) <= Z * error
    return [held.mean(), (gap**2).mean(), (gap**2 / error**2).mean(), error.mean(), fit_s, time.time() - start]


def engine(x, d, y, xt, tau, seed):
    start = time.time()
    forest = CausalForest(n_estimators=TREES, criterion="mse", min_samples_leaf=5, min_samples_split=10,
                          max_samples=0.45, min_balancedness_tol=0.45, honest=True, inference=True, fit_intercept=True,
                          subforest_size=4, n_jobs=1, random_state=seed).fit(x, d.reshape(-1, 1), y.reshape(-1, 1))
    fit_s = time.time() - start

    def ask(x):
        effect, variance = forest.predict_and_var(x)
        return effect.ravel(), np.sqrt(variance.ravel())

    return judged(ask, xt, tau, fit_s)


def dml(x, d, y, xt, tau, seed):
    start = time.time()
    model = CausalForestDML(model_y=LassoCV(), model_t=LogisticRegressionCV(), discrete_treatment=True, cv=5,
                            n_estimators=TREES, n_jobs=1, random_state=seed).fit(y, d, X=x)
    fit_s = time.time() - start

    def ask(x):
        found = model.effect_inference(x)
        return found.point_estimate.ravel(), found.stderr.ravel()

    return judged(ask, xt, tau, fit_s)


def own(name, draws, trees, nuisance):
    run = subprocess.run([BINARY, FOLDER, name, str(draws), str(trees), nuisance], check=True, capture_output=True, text=True)
    return [[float(v) for v in line.split(",")] for line in run.stdout.split()]


def show(name, who, rows):
    m = np.mean(rows, axis=0)
    print(f"| {name} | {who} | {len(rows)} | {m[0]:.3f} | {m[1]:.4f} | {m[2]:.2f} | {m[3]:.3f} | {m[4]:.2f} | {m[5]:.3f} |", flush=True)


os.makedirs(FOLDER, exist_ok=True)
print("| process | who | draws | coverage | MSE | mean(err²/var) | std. error | fit s | effects s |")
print("|---|---|---|---|---|---|---|---|---|")
for name in os.environ.get("NAMES", "kink aw1 aw2 aw3 ihdp1 ihdp2 ihdp3 acic1 acic2").split():
    real = name not in SIMULATED
    draws, peers = (REAL_DRAWS, REAL_DRAWS) if real else (DRAWS, PEER_DRAWS)
    samples = [draw(name, i) for i in range(draws)]
    for i, (x, d, y, xt, tau) in enumerate(samples):
        write(f"{FOLDER}/{name}-{i}-train.csv", (y, d), ["y", "d"], x)
        write(f"{FOLDER}/{name}-{i}-test.csv", (tau,), ["tau"], xt)
    nuisance = "additive" if real else "spline"
    if LONG_DRAWS:
        show(name, "ceteris, 2 000 trees", own(name, min(draws, LONG_DRAWS), 2000, nuisance))
    ours = own(name, draws, TREES, nuisance)
    show(name, f"ceteris, {TREES} trees", ours)
    if not peers:
        continue
    if peers < draws:
        show(name, f"ceteris, {TREES} trees, the peers' draws", ours[:peers])
    rows = []
    for i, (x, d, y, xt, tau) in enumerate(samples[:peers]):
        left = np.loadtxt(f"{FOLDER}/{name}-{i}-residuals.csv", delimiter=",", skiprows=1)
        rows.append(engine(x, left[:, 1], left[:, 0], xt, tau, i))
    show(name, f"EconML engine, {TREES} trees", rows)
    show(name, f"EconML dml, {TREES} trees", [dml(x, d, y, xt, tau, i) for i, (x, d, y, xt, tau) in enumerate(samples[:peers])])
