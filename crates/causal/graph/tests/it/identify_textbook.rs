//! Published graphs as goldens. Every estimand among them is also certified on random models in
//! `identify_certified.rs`; here the verdicts and the forms are fixed.
#![allow(clippy::unwrap_used)]

use ceteris_graph::identify::{Identification, Query, Strategy, Target, Witness, identify};
use ceteris_graph::{Graph, NodeSet, PathBounds};
use serde_json::{Value, json};

fn answer(graph: &str, query: &Query) -> Identification {
    identify(&Graph::parse(graph).unwrap(), query).unwrap()
}

fn latex(graph: &str, query: &Query) -> String {
    answer(graph, query).estimand.unwrap().latex()
}

/// Shpitser & Pearl, "Complete identification methods for the causal hierarchy", JMLR 9 (2008), figure 1: graphs in
/// which P(y | do(x)) is not identifiable. (Pearl, Causality, figure 3.9.)
const NOT_IDENTIFIABLE: &[(&str, &str)] = &[
    ("a, the bow", "X -> Y; X <-> Y"),
    ("b", "X -> Z -> Y; X <-> Z"),
    ("b with a direct edge", "X -> Z -> Y; X -> Y; X <-> Z"),
    ("d", "X -> Y; Z -> Y; X <-> Z; Z <-> Y"),
    ("e", "Z -> X -> Y; X <-> Z; Z <-> Y"),
    ("f", "X -> Z -> Y; X <-> Y; Z <-> Y"),
    ("g", "X -> Z1 -> Y; Z2 -> Y; X <-> Z2; Z1 <-> Z2"),
    ("h", "Z -> X -> W -> Y; X <-> Z; X <-> Y; Z <-> Y; Z <-> W"),
];

/// The same paper, figure 2: graphs in which it is. (Causality, figure 3.8.)
const IDENTIFIABLE: &[(&str, &str)] = &[
    ("a", "X -> Y"),
    ("b", "X -> Y; X -> Z -> Y; Z <-> Y"),
    ("c", "Z -> X -> Y; Z -> Y; Z <-> Y"),
    ("d", "Z -> X -> Y; Z -> Y; X <-> Z"),
    ("e, the front door", "X -> Z -> Y; X <-> Y"),
    ("f", "X -> Z1 -> Z2 -> Y; X -> Y; Z1 -> Y; X <-> Z2; Z1 <-> Y"),
    (
        "g",
        "Z2 -> X -> Z1 -> Y; Z2 -> Z1; Z2 -> Z3 -> Y; X <-> Z2; X <-> Z3; X <-> Y; Y <-> Z2",
    ),
];

#[test]
fn figure_1_is_not_identifiable() {
    for (name, graph) in NOT_IDENTIFIABLE {
        let answer = answer(graph, &Query::new("X", "Y").by(Strategy::Id));
        assert_eq!(answer.identifiable, Some(false), "{name}");
        assert!(matches!(answer.witness, Some(Witness::Hedge { .. })), "{name}");
        assert_eq!((answer.estimand, answer.strategy), (None, None), "{name}");
    }
}

#[test]
fn figure_2_is_identifiable() {
    for (name, graph) in IDENTIFIABLE {
        for strategy in [Strategy::Auto, Strategy::Id] {
            let answer = answer(graph, &Query::new("X", "Y").by(strategy));
            assert_eq!(answer.identifiable, Some(true), "{name}");
            assert_eq!(answer.witness, None, "{name}");
        }
    }
}

#[test]
fn the_bow_has_its_two_nodes_as_hedge() {
    let answer = answer("X -> Y; X <-> Y", &Query::new("X", "Y"));
    assert_eq!(
        serde_json::to_value(answer.witness).unwrap(),
        json!({"kind": "hedge", "forest": ["X", "Y"], "inner": ["Y"], "roots": ["Y"], "query": "P(Y | do(X))"})
    );
}

#[test]
fn the_front_door_is_pearls_formula_by_either_way() {
    let graph = "dag { X -> Z -> Y ; X <-> Y }";
    for strategy in [Strategy::Auto, Strategy::Frontdoor, Strategy::Id] {
        let answer = answer(graph, &Query::new("X", "Y").by(strategy));
        assert_eq!(
            serde_json::to_value(answer.estimand).unwrap(),
            json!({"sum": {"over": ["Z"], "body": {"product": [
                {"p": {"of": ["Z"], "given": ["X"]}},
                {"sum": {"over": ["X'"], "body": {"product": [
                    {"p": {"of": ["X'"], "given": []}},
                    {"p": {"of": ["Y"], "given": ["X'", "Z"]}}
                ]}}}
            ]}}})
        );
    }
    let auto = answer(graph, &Query::new("X", "Y"));
    assert_eq!(
        (auto.strategy, auto.mediators),
        (Some(Strategy::Frontdoor), vec!["Z".to_owned()])
    );
    assert!(auto.adjustment_sets.is_empty());
    assert_eq!(
        auto.latex.unwrap(),
        r"P(Y \mid \mathrm{do}(X)) = \sum_{Z} P(Z \mid X)\, \sum_{X'} P(X')\, P(Y \mid X', Z)"
    );
}

/// Pearl & Mackenzie, The Book of Why (2018), the napkin. W2 has no bearing on the value, so it is averaged out.
#[test]
fn the_napkin_is_a_ratio_free_in_treatment_and_outcome_alone() {
    let graph = "W1 -> W2 -> X -> Y; W1 <-> X; W1 <-> Y";
    assert_eq!(
        latex(graph, &Query::new("X", "Y")),
        r"\sum_{W_{2}} P(W_{2})\, \frac{\sum_{W_{1}} P(W_{1})\, P(X \mid W_{1}, W_{2})\, P(Y \mid W_{1}, W_{2}, X)}{\sum_{W_{1}} P(W_{1})\, P(X \mid W_{1}, W_{2})}"
    );
}

/// Greenland, Pearl & Robins (1999): adjusting for the collider M would open what is closed.
#[test]
fn m_bias_needs_no_adjustment() {
    let answer = answer(
        "U1 -> X; U1 -> M; U2 -> M; U2 -> Y; X -> Y; U1 [latent]; U2 [latent]",
        &Query::new("X", "Y"),
    );
    assert_eq!(answer.adjustment_sets, vec![Vec::<String>::new()]);
    assert_eq!(answer.estimand.unwrap().latex(), r"P(Y \mid X)");
}

/// Shpitser & Pearl (2008), figure 3a: no hedge for the joint effect on Y1 and Y2.
#[test]
fn a_joint_effect_without_a_hedge() {
    let graph = "W1 -> X -> Y1; W2 -> Y2; W1 <-> Y1; W1 <-> W2; W2 <-> X; W1 <-> Y2";
    let query = Query::of(["X"], ["Y1", "Y2"]);
    assert_eq!(answer(graph, &query).identifiable, Some(true));
    let hedged = format!("{graph}; W1 <-> X");
    assert_eq!(answer(&hedged, &query).identifiable, Some(false));
}

/// Pearl, Causality, figure 3.4, with all minimal sets.
#[test]
fn the_back_door_example_of_causality() {
    let graph = "Z1 -> Z3 -> X -> Z6 -> Y; Z1 -> Z4 -> X; Z2 -> Z4 -> Y; Z2 -> Z5 -> Y";
    let answer = answer(graph, &Query::new("X", "Y"));
    let mut sets = answer.adjustment_sets;
    sets.iter_mut().for_each(|set| set.sort());
    sets.sort();
    assert_eq!(sets, [["Z1", "Z4"], ["Z2", "Z4"], ["Z3", "Z4"], ["Z4", "Z5"]]);
    // Parents of the causal nodes Z6 and Y that do not descend from X.
    let mut best = answer.optimal_adjustment_set.unwrap();
    best.sort();
    assert_eq!(best, ["Z4", "Z5"]);
}

#[test]
fn back_door_is_the_adjustment_formula_over_the_optimal_set() {
    let answer = answer("Z -> X -> Y; Z -> Y; W -> Y", &Query::new("X", "Y"));
    assert_eq!(answer.adjustment_sets, [["Z"]]);
    assert_eq!(answer.optimal_adjustment_set.unwrap(), ["Z", "W"]);
    assert_eq!(
        answer.estimand.unwrap().latex(),
        r"\sum_{Z, W} P(Y \mid Z, X, W)\, P(Z, W)"
    );
}

#[test]
fn no_effect_is_the_outcome_alone() {
    for graph in ["Y -> X", "X <-> Y", "X <- Z -> Y; X <-> Y", "X; Y"] {
        for strategy in [
            Strategy::Auto,
            Strategy::Backdoor,
            Strategy::Frontdoor,
            Strategy::Id,
        ] {
            let answer = answer(graph, &Query::new("X", "Y").by(strategy));
            assert_eq!(answer.identifiable, Some(true), "{graph}");
            assert_eq!(
                serde_json::to_value(answer.estimand).unwrap(),
                json!({"p": {"of": ["Y"], "given": []}}),
                "{graph}"
            );
            assert!(answer.optimal_adjustment_set_reason.is_some());
        }
    }
}

#[test]
fn an_instrument_alone_gives_the_local_effect() {
    for strategy in [Strategy::Auto, Strategy::Iv] {
        let answer = answer("Z -> X -> Y; X <-> Y", &Query::new("X", "Y").by(strategy));
        assert_eq!(answer.identifiable, Some(false));
        assert_eq!(
            (answer.strategy, answer.target),
            (Some(Strategy::Iv), Target::Late)
        );
        assert_eq!(answer.assumptions, ["monotonicity"]);
        assert_eq!(answer.instruments, ["Z"]);
        assert_eq!(answer.estimand, None);
        assert!(answer.witness.is_some());
    }
}

#[test]
fn a_confounded_instrument_needs_its_confounder() {
    let answer = answer("W -> Z -> X -> Y; W -> Y; X <-> Y", &Query::new("X", "Y"));
    let sets: Vec<_> = answer
        .instrument_sets
        .iter()
        .map(|i| (i.instrument.as_str(), i.given.join(",")))
        .collect();
    assert_eq!(sets, [("Z", "W".to_owned())]);
}

/// Shpitser & Pearl (2006, conditional): Z takes the place of an intervention, so no ratio remains.
#[test]
fn a_conditional_effect_by_rule_two() {
    let query = Query::new("X", "Y").given(["Z"]);
    assert_eq!(latex("X -> Z -> Y; X <-> Z", &query), r"P(Y \mid Z)");
    assert_eq!(answer("X -> Z -> Y; X <-> Z", &query).target, Target::Cate);
}

/// The IDC algorithm fails on the joint query that remains, and says which one.
#[test]
fn a_conditional_effect_that_is_not_identifiable_names_its_joint_query() {
    let answer = answer(
        "X -> Z -> Y; X <-> Z; Z <-> Y",
        &Query::new("X", "Y").given(["Z"]),
    );
    match answer.witness {
        Some(Witness::Hedge { query, .. }) => assert_eq!(query, "P(Z, Y | do(X))"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn strategies_that_do_not_apply_say_why() {
    let graph = "X -> Z -> Y; X <- U -> Y; U [latent]";
    let backdoor = answer(graph, &Query::new("X", "Y").by(Strategy::Backdoor));
    assert_eq!(backdoor.identifiable, Some(false));
    assert_eq!(
        backdoor.witness.unwrap().to_string(),
        "the path X <-> Y is open given nothing and nothing allowed closes it"
    );
    let iv = answer(graph, &Query::new("X", "Y").by(Strategy::Iv));
    assert_eq!((iv.identifiable, iv.strategy), (Some(false), None));
    assert!(iv.instruments.is_empty());
    let frontdoor = answer("X -> Y; X <-> Y", &Query::new("X", "Y").by(Strategy::Frontdoor));
    assert_eq!(frontdoor.identifiable, Some(false));
}

#[test]
fn a_spent_budget_answers_unknown() {
    let mut query = Query::new("X", "Y");
    query.steps_max = 3;
    let answer = answer("X -> Z -> Y; X <-> Y", &query);
    assert_eq!(serde_json::to_value(answer.identifiable).unwrap(), Value::Null);
    assert_eq!((answer.estimand, answer.witness), (None, None));
    assert!(answer.unfinished.contains(&"adjustment_sets".to_owned()));
}

#[test]
fn a_wrong_query_lists_all_its_faults() {
    let graph = Graph::parse("X -> Y; U [latent]; U -> Y").unwrap();
    let error = identify(&graph, &Query::of(["X", "Q"], ["U", "X"]).given(["V"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "X is both treatment and outcome; treatment Q is not a node of the graph; outcome U is latent; \
         given V is not a node of the graph"
    );
    let none: [&str; 0] = [];
    assert_eq!(
        identify(&graph, &Query::of(none, ["Y"])).unwrap_err().to_string(),
        "no treatment is named"
    );
}

#[test]
fn forbidden_and_unmeasured_nodes_are_not_used() {
    let graph = Graph::parse(
        r#"{"nodes": ["X", "Y", {"name": "A", "measured_by": ["a"]}, {"name": "B", "measured_by": ["b"]}, "C"],
            "edges": [["A", "X"], ["A", "B"], ["B", "Y"], ["X", "Y"], ["C", "X"], ["C", "A"]]}"#,
    )
    .unwrap();
    let query = Query::new("X", "Y");
    assert_eq!(identify(&graph, &query).unwrap().adjustment_sets, [["A"], ["B"]]);
    let forbidden = Query {
        forbidden: vec!["B".into()],
        ..query.clone()
    };
    let answer = identify(&graph, &forbidden).unwrap();
    assert_eq!(answer.adjustment_sets, [["A"]]);
    // What may not be used is as good as latent, and of the sets left one is the best.
    assert_eq!(answer.optimal_adjustment_set.unwrap(), ["A"]);
    let both = Query {
        forbidden: vec!["B".into(), "A".into()],
        strategy: Strategy::Backdoor,
        ..query.clone()
    };
    assert_eq!(identify(&graph, &both).unwrap().identifiable, Some(false));
    let measured = Query {
        measured_only: true,
        ..query
    };
    assert_eq!(
        identify(&graph, &measured).unwrap().adjustment_sets,
        [["A"], ["B"]]
    );
}

/// Textor, Forney & Pearl, "A companion for R users" to the Primer (dagitty.net/primer), study question 1.4.1, as dagitty
/// prints its answers; the layout attributes are part of the text it reads.
#[test]
fn dagittys_companion_to_the_primer() {
    let text = r#"dag {
X [pos="0,1"]
Y [pos="1,1"]
Z [pos="2,1"]
W [pos="1,0"]
T [pos="2,2"]
X -> Y -> Z -> T
X -> W -> Y -> T
W -> Z
}"#;
    let graph = Graph::parse(text).unwrap();
    let view = graph.view();
    let id = |name: &str| graph.id(name).unwrap();
    let sorted = |set: NodeSet| {
        let mut names = graph.names(&set);
        names.sort();
        names
    };
    assert_eq!(sorted(view.parents(id("Z")).collect()), ["W", "Y"]);
    assert_eq!(
        sorted(view.ancestors(&NodeSet::one(id("Z")))),
        ["W", "X", "Y", "Z"]
    );
    assert_eq!(sorted(view.children(id("W")).collect()), ["Y", "Z"]);
    assert_eq!(
        sorted(view.descendants(&NodeSet::one(id("W")))),
        ["T", "W", "Y", "Z"]
    );
    let ends = (NodeSet::one(id("X")), NodeSet::one(id("T")));
    let paths = view.paths(&ends.0, &ends.1, &NodeSet::new(), &PathBounds::default());
    // Five are directed; every other one meets in a collider.
    assert_eq!(
        (paths.complete, paths.paths.iter().filter(|p| p.causal).count()),
        (true, 5)
    );
    assert!(paths.paths.iter().all(|p| p.causal == p.open));
}

/// Examples in the documentation of other packages: ggdag's adjustment sets (y ~ x + a + b, x ~ a, b ~ a), causalverse's
/// `dag_adjustment_sets`, and DoWhy's front door (smoking, tar, cancer) and instrument.
#[test]
fn published_examples_of_other_packages() {
    let sets = |graph: &str, x: &str, y: &str| answer(graph, &Query::new(x, y)).adjustment_sets;
    assert_eq!(sets("x -> y; a -> y; b -> y; a -> x; a -> b", "x", "y"), [["a"]]);
    assert_eq!(sets("X -> Y; Z -> X; Z -> Y; U -> Z; U -> Y", "X", "Y"), [["Z"]]);
    let smoking = "smoking -> tar -> cancer; genotype -> smoking; genotype -> cancer; genotype [latent]";
    let found = answer(smoking, &Query::new("smoking", "cancer"));
    assert_eq!(found.strategy, Some(Strategy::Frontdoor));
    assert_eq!(found.mediators, ["tar"]);
    let education =
        "voucher -> education -> income; ability -> education; ability -> income; ability [latent]";
    let found = answer(education, &Query::new("education", "income"));
    assert_eq!(
        (found.identifiable, found.instruments),
        (Some(false), vec!["voucher".to_owned()])
    );
}
