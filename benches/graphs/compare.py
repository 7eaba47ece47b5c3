#!/usr/bin/env python3
"""Ceteris beside y0 and DoWhy on the same graphs: verdicts and times, as a Markdown table.

    python3 -m venv venv && venv/bin/pip install y0 dowhy
    cargo bench -p ceteris-causal --bench graph
    venv/bin/python benches/graphs/compare.py [target/criterion]

Each of the others is asked through its own function that decides identification, on a graph that is built before the
clock starts; the median of repeated calls is taken. Ceteris' times are those that criterion left in its folder.
"""

import json
import pathlib
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")

# Name, directed edges, bidirected edges, whether P(Y | do(X)) is identifiable. The graphs of benches/graph.rs.
GRAPHS = [
    ("back door", "Z>X X>Y Z>Y", "", True),
    ("front door", "X>Z Z>Y", "X-Y", True),
    ("napkin", "W1>W2 W2>X X>Y", "W1-X W1-Y", True),
    ("bow", "X>Y", "X-Y", False),
    ("figure 2g of Shpitser and Pearl", "Z2>X X>Z1 Z1>Y Z2>Z1 Z2>Z3 Z3>Y", "X-Z2 X-Z3 X-Y Y-Z2", True),
    ("ten nodes", "A>B B>X X>M M>N N>Y C>X C>Y D>M E>N F>E", "A-X X-Y D-E B-C", None),
]


def edges(text, mark):
    return [tuple(edge.split(mark)) for edge in text.split()]


def median_seconds(call, least=5, budget=2.0):
    """The median time of a call, repeated until the budget is spent."""
    times = []
    while len(times) < least or (sum(times) < budget and len(times) < 1000):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def by_y0(directed, both):
    from y0.algorithm.identify import Identification, Unidentifiable, identify
    from y0.dsl import P, Variable
    from y0.graph import NxMixedGraph

    pairs = lambda ends: [(Variable(a), Variable(b)) for a, b in ends]
    graph = NxMixedGraph.from_edges(directed=pairs(directed), undirected=pairs(both))
    query = P(Variable("Y") @ Variable("X"))

    def call():
        try:
            identify(Identification.from_expression(query=query, graph=graph))
            return True
        except Unidentifiable:
            return False

    return call


def by_dowhy(directed, both):
    import networkx
    from dowhy.causal_identifier import EstimandType, identify_effect_auto

    graph = networkx.DiGraph(directed)
    observed = list(graph.nodes)
    for i, (a, b) in enumerate(both):
        observed += [node for node in (a, b) if node not in observed]
        graph.add_edges_from([(f"U{i}", a), (f"U{i}", b)])

    def call():
        found = identify_effect_auto(graph, ["X"], ["Y"], observed, EstimandType.NONPARAMETRIC_ATE)
        # Its instruments assume more than the graph, so they are no identification in this sense.
        return any(found.estimands.get(kind) is not None for kind in ("backdoor", "frontdoor"))

    return call


def by_ceteris(folder, name):
    directory = name.replace("/", "_")
    file = pathlib.Path(folder) / "ID" / directory / "new" / "estimates.json"
    return json.loads(file.read_text())["median"]["point_estimate"] / 1e9 if file.exists() else None


def shown(seconds):
    if seconds is None:
        return "not measured"
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "target/criterion"
    print("| graph | Ceteris | y0 | DoWhy |\n|---|---|---|---|")
    for name, directed, both, truth in GRAPHS:
        row = [name, shown(by_ceteris(folder, name))]
        for engine in (by_y0, by_dowhy):
            try:
                seconds, verdict = median_seconds(engine(edges(directed, ">"), edges(both, "-")))
                said = "yes" if verdict else "no"
                wrong = "" if truth is None or verdict == truth else ", wrong"
                row.append(f"{shown(seconds)} ({said}{wrong})")
            except Exception as error:  # What an engine raises is its answer here.
                row.append(f"failed: {type(error).__name__}")
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
