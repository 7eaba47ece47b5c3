"""Asks a ceteris binary every question of the test and writes what it answers, one case a line. See README.md.

    python3 record.py path/to/ceteris > cases.jsonl
"""

import csv
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = os.path.join(HERE, "small.csv")
GRAPH = "dag { x1 -> d; x2 -> d; z -> d; d -> y; x1 -> y; x2 -> y }"
# Rows of effects that are written down whole; of all others the mean.
SHOWN = 3

COUPON = {"outcome": "y", "treatment": "d", "covariates": ["x1", "x2", "town"]}
GAPS = {"outcome": "y", "treatment": "d", "covariates": ["x1", "x2", "town", "visits"]}
BOUGHT = {"outcome": "bought", "treatment": "d", "covariates": ["x1", "x2"]}
SUBSCRIPTION = {"outcome": "y_taken", "treatment": "taken", "covariates": ["x1", "x2"], "instrument": "z"}
LOAN = {"outcome": "y_loan", "treatment": "loan", "covariates": ["x1"], "mediator": ["basket"]}
SIZES = {"outcome": "y_arm", "treatment": "arm", "control": "none", "covariates": ["x1", "x2", "town"]}
REMINDERS = {"outcome": "y_dose", "treatment": "dose", "covariates": ["x1", "x2"], "method": "dose"}
BY_HAND = {"covariates": ["x1", "x2"], "fold_column": "fold"}


def both(kind):
    return {"learner_outcome": kind, "learner_treatment": kind}


def estimates():
    for kind in ["ols", "ridge", "lasso", "elastic_net", "spline_ridge"]:
        yield f"plr by {kind}", {**COUPON, **both(kind)}
    for kind in ["logit", "logit_l2", "spline_logit_l2"]:
        yield f"plr by {kind}", {**BOUGHT, **both(kind)}
    for kind in ["forest", "boosting", "auto"]:
        yield f"plr by {kind}", {**GAPS, **both(kind), "folds": 3}
    yield "plr by its other score", {**COUPON, "score": "iv_type"}
    yield "plr in units with weights", {**COUPON, "cluster": ["unit"], "weight": "w"}
    yield "plr in two ways", {**COUPON, "cluster": ["unit", "shop"], "folds": 3}
    yield "plr three times", {**COUPON, "repeats": 3, "seed": 7, "cf_y": 0.1, "cf_d": 0.05}
    for estimand in ["ate", "att", "atc", "overlap"]:
        yield f"irm {estimand}", {**COUPON, "method": "irm", "estimand": estimand}
    yield "irm in units with weights, trimmed", {
        **COUPON, "method": "irm", "cluster": ["unit"], "weight": "w", "trim": 0.1, "clip": 0.02,
    }
    for kind in ["forest", "boosting"]:
        yield f"irm by {kind}", {**GAPS, "method": "irm", **both(kind), "folds": 3}
    yield "irm of several arms", {**SIZES, "method": "irm", "cluster": ["unit"]}
    yield "dose by a spline", REMINDERS
    yield "dose by powers", {
        **REMINDERS, "dose": {"basis": "polynomial", "degree": 2, "at": [1.0, 3.0], "from": 2.0},
    }
    yield "pliv", {**SUBSCRIPTION, "method": "pliv"}
    yield "iivm", {**SUBSCRIPTION, "method": "iivm"}
    yield "frontdoor", {**LOAN, "method": "frontdoor"}
    for estimand in ["ate", "att", "atc"]:
        yield f"matching {estimand}", {
            **COUPON, "covariates": ["x1", "x2"], "method": "matching", "estimand": estimand, "neighbours": 2,
        }
    yield "by hand: plr", {**COUPON, **BY_HAND}
    yield "by hand: pliv", {**SUBSCRIPTION, **BY_HAND, "method": "pliv"}
    yield "by hand: irm", {**COUPON, **BY_HAND, "method": "irm"}


def fits():
    for learner in ["linear", "forest", "dr", "r", "x", "t", "s"]:
        yield f"effects by {learner}", {"rows": COUPON, "learner": learner, "trees": 40}
    yield "effects by the best", {"rows": {**COUPON, "folds": 3}, "trees": 20}
    yield "effects of several arms", {"rows": {**SIZES, "cluster": "unit"}, "learner": "forest", "trees": 40}
    dose = {"outcome": "y_dose", "treatment": "dose", "covariates": ["x1", "x2"]}
    yield "effects of a dose", {"rows": dose, "learner": "r", "trees": 4}


def flags(question):
    for name, value in question.items():
        if name == "rows":
            yield from flags(value)
        elif name == "dose":
            own = {"basis": "dose_basis", "degree": "dose_degree", "knots": "dose_knots"}
            yield from flags({own.get(key, key): one for key, one in value.items()})
        else:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            yield "--" + name.replace("_", "-")
            yield text.replace("_", "-") if name == "score" else text


def ask(binary, verb, *words):
    command = [binary, *verb, "--format", "json", *words]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{answer.stderr}")
    return json.loads(answer.stdout)


def effects(path):
    with open(path) as file:
        rows = [[float(cell) if cell else None for cell in row] for row in list(csv.reader(file))[1:]]
    known = [[v for v in column if v is not None] for column in zip(*rows)]
    return {"rows": rows[:SHOWN], "means": [sum(c) / len(c) if c else None for c in known]}


def main(binary):
    def tell(kind, name, question, answer):
        print(json.dumps({"kind": kind, "name": name, "question": question, "answer": answer}))

    for name, question in estimates():
        tell("estimate", name, question, ask(binary, ["estimate"], "--data", SMALL, *flags(question)))
    with tempfile.TemporaryDirectory() as folder:
        for at, (name, question) in enumerate(fits()):
            model, out = os.path.join(folder, f"model{at}"), os.path.join(folder, f"{at}.csv")
            learner = [] if "learner" in question else ["--learner", "auto"]
            words = ["--data", SMALL, "--out", model, *learner, *flags(question)]
            answer = ask(binary, ["fit-effect"], *words)
            # Digests are of bits, which other processors may round otherwise.
            del answer["out"], answer["digest"]
            asked = ask(binary, ["effect"], "--model", model, "--data", SMALL, "--out", out)
            answer.update(unknown=asked["unknown"], outside_support=asked["outside_support"], effects=effects(out))
            tell("fit", name, question, answer)
        judged = os.path.join(folder, "0.csv")
        question = {"rows": COUPON, "cost": [0.5], "truth": ["tau"]}
        words = ["--effects", judged, "--data", SMALL, *flags(question)]
        tell("evaluate", "evaluate effects by linear", question, ask(binary, ["evaluate"], *words))
        graph = os.path.join(folder, "graph.dag")
        with open(graph, "w") as file:
            file.write(GRAPH)
        for test, own in [("partial_correlation", "partial"), ("nonparametric", "nonparametric")]:
            words = ["--graph", graph, "--data", SMALL, "--unit", "unit", "--test", own]
            answer = ask(binary, ["graph", "check"], *words)
            question = {"unit": "unit", "test": test}
            tell("check", f"check by {test}", {"graph": GRAPH, **question}, answer)


if __name__ == "__main__":
    main(sys.argv[1])
