"""Computes some estimates on small.csv with nothing but sums, by the textbook's formulas, and prints them as JSON.

    python3 by_hand.py > by_hand.json
"""

import csv
import json
import math
import sys


def solve(a, b):
    """The solution of a x = b by Gaussian elimination with pivots."""
    n = len(b)
    rows = [list(a[i]) + [b[i]] for i in range(n)]
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(k + 1, n):
            f = rows[i][k] / rows[k][k]
            rows[i] = [u - f * v for u, v in zip(rows[i], rows[k])]
    x = [0.0] * n
    for k in reversed(range(n)):
        x[k] = (rows[k][n] - sum(rows[k][j] * x[j] for j in range(k + 1, n))) / rows[k][k]
    return x


def dot(a, b):
    return math.fsum(u * v for u, v in zip(a, b))


def weighted(x, w, y):
    """The coefficients of least squares of y on the rows x with weights w."""
    p = len(x[0])
    gram = [[math.fsum(wi * r[a] * r[b] for wi, r in zip(w, x)) for b in range(p)] for a in range(p)]
    return solve(gram, [math.fsum(wi * r[a] * yi for wi, r, yi in zip(w, x, y)) for a in range(p)])


def ols(x, y):
    return weighted(x, [1.0] * len(y), y)


def logit(x, d):
    """Maximum likelihood by Newton's steps."""
    beta = [0.0] * len(x[0])
    for _ in range(50):
        p = [1.0 / (1.0 + math.exp(-dot(beta, r))) for r in x]
        w = [q * (1.0 - q) for q in p]
        step = weighted(x, w, [(di - q) / v for di, q, v in zip(d, p, w)])
        beta = [b + s for b, s in zip(beta, step)]
    return beta


def held_out(x, y, fold, learn, keep=lambda i: True):
    """Each row's coefficients, learned on the rows of other folds that are kept."""
    n = len(y)
    found = {}
    for k in sorted(set(fold)):
        rows = [i for i in range(n) if fold[i] != k and keep(i)]
        found[k] = learn([x[i] for i in rows], [y[i] for i in rows])
    return [found[fold[i]] for i in range(n)]


def told(psi_a, psi_b):
    """The root of a linear score and its standard error."""
    n = len(psi_a)
    theta = math.fsum(psi_b) / math.fsum(psi_a)
    squares = math.fsum((b - theta * a) ** 2 for a, b in zip(psi_a, psi_b))
    return {"estimate": theta, "std_error": math.sqrt(squares) / abs(math.fsum(psi_a)), "n": n}


def main():
    with open(sys.path[0] + "/small.csv") as file:
        table = list(csv.DictReader(file))

    def column(name):
        return [float(row[name]) for row in table]

    fold = column("fold")
    x = [[1.0, a, b] for a, b in zip(column("x1"), column("x2"))]

    def residual(y):
        return [yi - dot(b, r) for yi, b, r in zip(y, held_out(x, y, fold, ols), x)]

    y, d = residual(column("y")), residual(column("d"))
    plr = told([u * u for u in d], [u * v for u, v in zip(d, y)])

    y, d, z = residual(column("y_taken")), residual(column("taken")), residual(column("z"))
    pliv = told([u * v for u, v in zip(z, d)], [u * v for u, v in zip(z, y)])

    y, d = column("y"), column("d")
    m = [1.0 / (1.0 + math.exp(-dot(b, r))) for b, r in zip(held_out(x, d, fold, logit), x)]
    m = [min(max(p, 0.01), 0.99) for p in m]
    g = [
        [dot(b, r) for b, r in zip(held_out(x, y, fold, ols, lambda i: d[i] == arm), x)]
        for arm in (0.0, 1.0)
    ]
    score = [
        g1 - g0 + di * (yi - g1) / p - (1.0 - di) * (yi - g0) / (1.0 - p)
        for g0, g1, di, yi, p in zip(g[0], g[1], d, y, m)
    ]
    irm = told([1.0] * len(y), score)
    print(json.dumps({"plr": plr, "pliv": pliv, "irm": irm}, indent=2))


if __name__ == "__main__":
    main()
