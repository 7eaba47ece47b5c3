//! `ceteris graph` and the further words of `ceteris identify`, on files as users have them.

use crate::support::{json, refused, root};
use serde_json::{Value, json as document};

fn ecommerce() -> String {
    root()
        .join("deploy/problems/ecommerce.yaml")
        .display()
        .to_string()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn ask(words: &[&str]) -> Value {
    json(&[&["graph", "--format", "json"], words].concat())
}

#[test]
fn a_graph_is_drawn_in_forms_that_read_back_as_the_same_graph() {
    let digest = ask(&["show", "--graph", &ecommerce()])["digest"].clone();
    let folder = folder(&[]);
    for form in ["dot", "dagitty", "json", "node-link"] {
        let file = folder.path().join(form).display().to_string();
        let drawn = ask(&["draw", "--graph", &ecommerce(), "--as", form, "--out", &file]);
        assert_eq!(drawn["digest"], digest);
        assert_eq!(ask(&["show", "--graph", &file])["digest"], digest, "{form}");
    }
    let svg = ask(&["draw", "--graph", &ecommerce(), "--as", "svg"]);
    assert!(svg["text"].as_str().unwrap().contains("price_sensitivity"));
}

#[test]
fn a_diff_names_edges_and_estimands_that_change() {
    let folder = folder(&[
        (
            "old.dag",
            "dag { X [exposure]; Y [outcome]; X -> Y; Z -> Y; Z -> X }",
        ),
        (
            "new.dag",
            "dag { X [exposure]; Y [outcome]; X -> Y; Z -> Y; X <-> Y }",
        ),
    ]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let diff = ask(&["diff", &file("old.dag"), &file("new.dag")]);
    assert_eq!(
        diff["edges_removed"],
        document!([{"from": "Z", "to": "X", "kind": "directed"}])
    );
    assert_eq!(diff["edges_added"][0]["kind"], "bidirected");
    let change = &diff["estimands_changed"][0];
    assert_eq!(
        (
            &change["before"]["identifiable"],
            &change["after"]["identifiable"]
        ),
        (&document!(true), &document!(false))
    );
}

#[test]
fn paths_tell_why_they_are_open() {
    let words = [
        "paths",
        "--graph",
        &ecommerce(),
        "--from",
        "coupon_discount",
        "--to",
        "purchase_decision",
    ];
    let open = ask(&[&words[..], &["--open", "--back-door"]].concat());
    assert_eq!(
        open["paths"][0]["text"],
        "coupon_discount <- price_sensitivity -> purchase_decision"
    );
    assert_eq!(
        open["paths"][0]["stops"][0]["why"],
        "price_sensitivity is a fork and not conditioned on"
    );
    let closed = ask(&[
        &words[..],
        &["--open", "--back-door", "--given", "price_sensitivity"],
    ]
    .concat());
    assert_eq!(
        (closed["paths"].clone(), closed["complete"].clone()),
        (document!([]), document!(true))
    );
    let unknown = refused(&[
        "graph",
        "paths",
        "--graph",
        &ecommerce(),
        "--from",
        "mood",
        "--to",
        "purchase_decision",
    ]);
    assert!(
        unknown.contains("--from mood: is not a node of the graph"),
        "{unknown}"
    );
}

#[test]
fn proofs_mediation_and_direct_effects_have_their_verbs() {
    let folder = folder(&[
        ("g.dag", "dag { X -> M -> Y; X <-> Y }"),
        ("bow.dag", "dag { X -> Y; X <-> Y }"),
        ("m.dag", "dag { X -> M -> Y; X -> Y }"),
    ]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let asked =
        |verb: &str, name: &str| ask(&[verb, "--graph", &file(name), "--treatment", "X", "--outcome", "Y"]);
    let proof = asked("derive", "g.dag");
    assert_eq!(
        (&proof["identifiable"], &proof["verified"]),
        (&document!(true), &document!(true))
    );
    assert_eq!(proof["derivation"]["query"]["p"]["do"], document!(["X"]));
    let none = asked("derive", "bow.dag");
    assert_eq!(
        (&none["identifiable"], &none["witness"]["kind"]),
        (&document!(false), &document!("hedge"))
    );
    let words = [
        "mediate",
        "--graph",
        &file("m.dag"),
        "--treatment",
        "X",
        "--outcome",
        "Y",
        "--mediator",
        "M",
    ];
    assert_eq!(ask(&words)["identifiable"], true);
    let direct = asked("direct", "m.dag");
    assert_eq!(
        (&direct["held"], &direct["single_door_sets"]),
        (&document!(["M"]), &document!([["M"]]))
    );
}

#[test]
fn a_table_refutes_a_graph_or_does_not() {
    // B copies A but for every third row; C is apart.
    let mut table = String::from("A,B,C,shop\n");
    for i in 0..300 {
        let a = i % 2;
        let b = if i % 3 == 0 { (i / 6) % 2 } else { a };
        table += &format!("{a},{b},{},s{}\n", (i / 2) % 2, i / 3);
    }
    let folder = folder(&[
        ("t.csv", &table),
        ("right.dag", "A -> B; C"),
        ("wrong.dag", "A; B; C"),
    ]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let check = |name: &str| {
        ask(&[
            "check",
            "--graph",
            &file(name),
            "--data",
            &file("t.csv"),
            "--unit",
            "shop",
        ])
    };
    let right = check("right.dag");
    assert_eq!(
        (&right["compatible"], &right["units"]),
        (&document!(true), &document!(100))
    );
    let wrong = check("wrong.dag");
    assert_eq!(wrong["compatible"], false);
    let refuted: Vec<&Value> = wrong["tested"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["refuted"] == true)
        .collect();
    assert_eq!(
        (refuted.len(), &refuted[0]["left"], &refuted[0]["right"]),
        (1, &document!("A"), &document!("B"))
    );
    let told = refused(&[
        "graph",
        "check",
        "--graph",
        &file("right.dag"),
        "--data",
        &file("t.csv"),
        "--unit",
        "q",
    ]);
    assert!(told.contains("--unit: no column q"), "{told}");
    let implied = ask(&["implications", "--graph", &file("right.dag")]);
    assert_eq!(implied["testable_implications"].as_array().unwrap().len(), 2);
}

#[test]
fn identify_takes_costs_required_and_forbidden_nodes() {
    let folder = folder(&[("g.dag", "A -> X; A -> B; B -> Y; X -> Y")]);
    let file = folder.path().join("g.dag").display().to_string();
    let words = [
        "identify",
        "--format",
        "json",
        "--graph",
        &file,
        "--treatment",
        "X",
        "--outcome",
        "Y",
    ];
    let with = |more: &[&str]| json(&[&words[..], more].concat());
    assert_eq!(
        with(&["--cost", "A=5,B=2"])["cheapest_adjustment_set"],
        document!(["B"])
    );
    assert_eq!(with(&["--require", "A"])["adjustment_sets"], document!([["A"]]));
    assert_eq!(with(&["--forbid", "A"])["adjustment_sets"], document!([["B"]]));
    assert!(with(&[]).get("cheapest_adjustment_set").is_none());
}

#[test]
fn a_problem_file_is_checked_for_what_its_graph_lets_be_served() {
    let checked = json(&["problem", "check", "--format", "json", &ecommerce()]);
    let effects = checked["effects"].as_array().unwrap();
    let of = |treatment: &str| {
        let same = |e: &&Value| e["treatment"] == treatment && e["outcome"] == "purchase_decision";
        effects.iter().find(same).unwrap()
    };
    assert_eq!(
        (&of("coupon")["served"], &of("coupon")["adjustment_set"]),
        (&document!(true), &document!(["price_sensitivity"]))
    );
    assert_eq!(
        (&of("ad")["served"], &of("ad")["reason"]),
        (&document!(false), &document!("unit_effect_unavailable"))
    );
}
