#!/usr/bin/env python3
"""Ceteris beside y0 and DoWhy on the same graphs: times and verdicts, as Markdown tables.

    python3 -m venv venv && venv/bin/pip install y0==0.2.11 dowhy==0.14 networkx==3.6.1
    cargo build --release -p ceteris-graph --example verdicts
    venv/bin/python benches/graphs/compare.py target/release/examples/verdicts [random graphs]

Each of the others is asked through its own function that decides identification, on a graph that is built before the
clock starts; Ceteris through `examples/verdicts.rs`, which calls `identify`. Of repeated calls the least time is taken:
what other work on the machine adds is no engine's. The random graphs (fixed seeds) are there for the verdicts: every
disagreement is printed with its graph.
"""

import importlib.metadata
import logging
import random
import subprocess
import sys
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

# Name, directed edges, bidirected edges, whether P(Y | do(X)) is identifiable, and the source where it is published.
GRAPHS = [
    ("back door", "Z>X X>Y Z>Y", "", True),
    ("front door", "X>Z Z>Y", "X-Y", True),
    ("napkin", "W1>W2 W2>X X>Y", "W1-X W1-Y", True),
    ("bow", "X>Y", "X-Y", False),
    ("figure 2g of Shpitser and Pearl", "Z2>X X>Z1 Z1>Y Z2>Z1 Z2>Z3 Z3>Y", "X-Z2 X-Z3 X-Y Y-Z2", True),
    ("ten nodes", "A>B B>X X>M M>N N>Y C>X C>Y D>M E>N F>E", "A-X X-Y D-E B-C", True),
]
LETTERS = "ABCDE"


def edges(text, mark):
    return [tuple(edge.split(mark)) for edge in text.split()]


def random_case(rng):
    """An ADMG of 4 or 5 nodes in causal order and a query on it, with a condition in every third."""
    names = LETTERS[: rng.choice([4, 5])]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    directed = [pair for pair in pairs if rng.random() < 0.55]
    both = [pair for pair in pairs if rng.random() < 0.25]
    x, y, z = rng.sample(names, 3)
    return list(names), directed, both, x, y, z if rng.random() < 1 / 3 else None


def least_seconds(call, budget):
    """The least time of a call, repeated until the budget is spent, and what it returned."""
    least, spent = float("inf"), 0.0
    while True:
        start = time.perf_counter()
        result = call()
        took = time.perf_counter() - start
        least, spent = min(least, took), spent + took
        if spent > budget:
            return least, result


def by_y0(nodes, directed, both, x, y, z):
    from y0.algorithm.identify import identify_outcomes
    from y0.dsl import Variable
    from y0.graph import NxMixedGraph

    pairs = lambda ends: [(Variable(a), Variable(b)) for a, b in ends]
    graph = NxMixedGraph.from_edges(nodes=[Variable(n) for n in nodes], directed=pairs(directed), undirected=pairs(both))
    given = {Variable(z)} if z else None
    return lambda: "no" if identify_outcomes(graph, {Variable(x)}, {Variable(y)}, given) is None else "yes"


def by_dowhy(nodes, directed, both, x, y, z):
    import networkx
    from dowhy.causal_identifier import EstimandType, identify_effect_auto

    graph = networkx.DiGraph(directed)
    graph.add_nodes_from(nodes)
    for i, (a, b) in enumerate(both):
        graph.add_edges_from([(f"U{i}", a), (f"U{i}", b)])

    def call():
        found = identify_effect_auto(graph, [x], [y], nodes, EstimandType.NONPARAMETRIC_ATE)
        if found.no_directed_path:
            return "yes"
        # Its instruments assume more than the graph, so they are no identification in this sense.
        kinds = ("backdoor", "frontdoor", "general_adjustment")
        by = [kind for kind in kinds if found.estimands.get(kind) is not None]
        return "yes" if by else "no"

    return call


def by_ceteris(program, cases, strategy):
    """The verdicts on many cases, each (verdict, strategy, adjustment sets, least seconds)."""

    def line(case):
        nodes, directed, both, x, y, z = case
        parts = list(nodes) + [f"{a} -> {b}" for a, b in directed] + [f"{a} <-> {b}" for a, b in both]
        return "\t".join(["dag { " + "; ".join(parts) + " }", x, y, z or "", strategy])

    text = "\n".join(map(line, cases)) + "\n"
    out = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout
    rows = [row.split("\t") for row in out.splitlines()]
    return [(verdict, by, sets, int(ns) / 1e9) for verdict, by, sets, ns in rows]


def shown(seconds):
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def asked(engine, case, budget):
    try:
        return least_seconds(engine(*case), budget)
    except Exception as error:  # What an engine raises is its answer here.
        return None, f"{type(error).__name__}"


def times(program):
    print("| graph | identifiable | Ceteris | y0 | DoWhy |\n|---|---|---|---|---|")
    cases = []
    for _, directed, both, _ in GRAPHS:
        directed, both = edges(directed, ">"), edges(both, "-")
        nodes = list(dict.fromkeys(node for pair in directed + both for node in pair))
        cases.append((nodes, directed, both, "X", "Y", None))
    ours = by_ceteris(program, cases, "id")
    for (name, _, _, truth), case, (verdict, _, _, seconds) in zip(GRAPHS, cases, ours):
        row = [name, "yes" if truth else "no", f"{shown(seconds)}, {verdict}"]
        for engine in (by_y0, by_dowhy):
            took, said = asked(engine, case, 2.0)
            row.append(said if took is None else f"{shown(took)} ({took / seconds:,.0f} ×), {said}")
        print("| " + " | ".join(row) + " |", flush=True)


def verdicts(program, count):
    rng = random.Random(20240501)
    cases = [random_case(rng) for _ in range(count)]
    ours = by_ceteris(program, cases, "auto")
    tally = {}
    for case, (verdict, by, sets, _) in zip(cases, ours):
        for name, engine in (("y0", by_y0), ("DoWhy", by_dowhy)):
            if name == "DoWhy" and case[5]:
                # It takes conditions only as modifiers and decides the unconditional effect.
                continue
            kind = f"{name}, {'conditional' if case[5] else 'unconditional'}"
            _, said = asked(engine, case, 0.0)
            key = (kind, verdict, said)
            tally[key] = tally.get(key, 0) + 1
            if said != verdict:
                nodes, directed, both, x, y, z = case
                graph = " ".join(f"{a}>{b}" for a, b in directed) + " " + " ".join(f"{a}-{b}" for a, b in both)
                print(f"{name} {said}, Ceteris {verdict} by {by} {sets}: {graph} | {x} on {y} given {z}", file=sys.stderr)
    print("\n| asked | Ceteris says | the other says | graphs |\n|---|---|---|---|")
    for (kind, verdict, said), number in sorted(tally.items()):
        print(f"| {kind} | {verdict} | {said} | {number} |")


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("y0", "dowhy", "networkx"))
    print(f"Python {sys.version.split()[0]}, {packages}\n")
    times(program)
    verdicts(program, count)


if __name__ == "__main__":
    main()
