//! Dependencies point down only, and the cores stay pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::Command,
};

use serde_json::Value;
use weft_tests::repository;

/// Who may depend on whom: a package may name those with a smaller number.
const LAYERS: [(&str, u32); 24] = [
    ("weft-crdt", 0),
    ("weft-sync", 1),
    ("weft-index", 1),
    ("weft-ai", 1),
    ("weft-documents", 1),
    ("weft-editor", 2),
    ("weft-store", 2),
    ("weft-net", 2),
    ("weft-index-disk", 2),
    ("weft-ai-llama", 2),
    ("weft-node", 3),
    ("weft-desktop", 4),
    ("weft", 5),
    ("weft-tests", 6),
    ("weft-simulations", 6),
    ("weft-bench-report", 0),
    ("weft-fuzz", 0),
    ("weft-test-models", 0),
    ("weft-bench-ai", 7),
    ("weft-bench-sync", 7),
    ("weft-benches", 6),
    ("weft-bench-index", 6),
    ("weft-bench-trust", 7),
    ("weft-bench-ui", 6),
];

/// The packages without IO, clock and threads.
const CORES: [&str; 5] = ["weft-crdt", "weft-sync", "weft-index", "weft-ai", "weft-editor"];

/// What no core may reach, also not through something else.
const FORBIDDEN_IN_CORES: [&str; 13] = [
    "tokio",
    "async-std",
    "smol",
    "iroh",
    "quinn",
    "noq",
    "rusqlite",
    "libsqlite3-sys",
    "eframe",
    "egui",
    "notify",
    "llama-cpp-2",
    "reqwest",
];

/// The only packages that may name a crate.
const RESERVED: [(&str, &[&str]); 12] = [
    ("automerge", &["weft-crdt", "weft-benches", "weft-simulations", "weft-tests"]),
    ("rusqlite", &["weft-store", "weft-index-disk", "weft-benches", "weft-tests"]),
    ("keyring", &["weft-store"]),
    ("iroh", &["weft-net", "weft-bench-sync", "weft-tests"]),
    ("iroh-relay", &["weft-tests"]),
    ("swarm-discovery", &["weft-net"]),
    ("notify", &["weft-node", "weft-index-disk", "weft-bench-sync"]),
    ("clap", &["weft", "weft-tests", "weft-simulations", "weft-benches"]),
    ("eframe", &["weft-desktop"]),
    ("egui", &["weft-desktop"]),
    ("egui_kittest", &["weft-desktop"]),
    ("llama-cpp-2", &["weft-ai-llama", "weft-bench-ai"]),
];

/// What `cargo metadata` says, as far as it matters here.
struct Graph {
    /// Our packages with the names of what they depend on: normally, and in tests or builds as well.
    direct: BTreeMap<String, Direct>,
    /// Every package id with its name.
    names: BTreeMap<String, String>,
    /// Normal edges between package ids.
    edges: BTreeMap<String, Vec<String>>,
}

#[derive(Default)]
struct Direct {
    normal: BTreeSet<String>,
    any: BTreeSet<String>,
}

impl Graph {
    fn read() -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked", "--offline"])
            .current_dir(repository())
            .output()
            .expect("cargo to run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::parse(&serde_json::from_slice(&output.stdout).expect("metadata as JSON"))
    }

    fn parse(metadata: &Value) -> Self {
        let members: BTreeSet<&str> =
            list(&metadata["workspace_members"]).filter_map(Value::as_str).collect();
        let mut graph = Self { direct: BTreeMap::new(), names: BTreeMap::new(), edges: BTreeMap::new() };
        for package in list(&metadata["packages"]) {
            let (id, name) = (text(&package["id"]), text(&package["name"]));
            graph.names.insert(id.clone(), name.clone());
            if members.contains(id.as_str()) {
                graph.direct.insert(name, Direct::parse(package));
            }
        }
        for node in list(&metadata["resolve"]["nodes"]) {
            let normal = list(&node["deps"])
                .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()));
            graph
                .edges
                .insert(text(&node["id"]), normal.map(|dependency| text(&dependency["pkg"])).collect());
        }
        graph
    }

    /// Everything a package reaches by normal dependencies, with one way to each.
    fn reach(&self, package: &str) -> BTreeMap<String, String> {
        let start = self.names.iter().find(|(id, name)| *name == package && self.edges.contains_key(*id));
        let mut ways = BTreeMap::new();
        let mut open = vec![(start.expect("a resolved package").0.clone(), package.to_owned())];
        let mut seen = BTreeSet::new();
        while let Some((id, way)) = open.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            for next in self.edges.get(&id).into_iter().flatten() {
                let name = &self.names[next];
                let way = format!("{way} → {name}");
                ways.entry(name.clone()).or_insert_with(|| way.clone());
                open.push((next.clone(), way));
            }
        }
        ways
    }
}

impl Direct {
    fn parse(package: &Value) -> Self {
        let mut direct = Self::default();
        for dependency in list(&package["dependencies"]) {
            let name = text(&dependency["name"]);
            if dependency["kind"].is_null() {
                direct.normal.insert(name.clone());
            }
            direct.any.insert(name);
        }
        direct
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn layer(package: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == package).map(|(_, layer)| *layer)
}

/// Upward and sideways edges, and packages that stand in no layer.
fn upward(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for (package, direct) in &graph.direct {
        let Some(own) = layer(package) else {
            problems.push(format!("{package} stands in no layer: add it to LAYERS"));
            continue;
        };
        for used in &direct.normal {
            if layer(used).is_some_and(|used| used >= own) {
                problems.push(format!("{package} depends on {used}, which is not below it"));
            }
        }
    }
    problems
}

fn impure(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for core in CORES.iter().filter(|core| graph.direct.contains_key(**core)) {
        for (name, way) in graph.reach(core) {
            if FORBIDDEN_IN_CORES.contains(&name.as_str()) {
                problems.push(format!("a core reaches {name}: {way}"));
            }
        }
    }
    problems
}

fn out_of_place(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for (package, direct) in &graph.direct {
        for (reserved, allowed) in &RESERVED {
            if direct.any.contains(*reserved) && !allowed.contains(&package.as_str()) {
                problems.push(format!("{package} names {reserved}, which only {allowed:?} may"));
            }
        }
    }
    problems
}

#[test]
fn dependencies_point_down() {
    assert_eq!(upward(&Graph::read()), [""; 0]);
}

#[test]
fn cores_reach_no_io() {
    assert_eq!(impure(&Graph::read()), [""; 0]);
}

#[test]
fn crates_stay_where_they_belong() {
    assert_eq!(out_of_place(&Graph::read()), [""; 0]);
}

#[test]
fn the_checks_find_what_they_look_for() {
    let package = |name: &str, uses: &[&str]| {
        let uses: Vec<Value> =
            uses.iter().map(|name| serde_json::json!({ "name": name, "kind": null })).collect();
        serde_json::json!({ "id": name, "name": name, "dependencies": uses })
    };
    let node = |name: &str, uses: &[&str]| {
        let kinds = serde_json::json!([{ "kind": null }]);
        let uses: Vec<Value> =
            uses.iter().map(|name| serde_json::json!({ "pkg": name, "dep_kinds": kinds })).collect();
        serde_json::json!({ "id": name, "deps": uses })
    };
    let metadata = serde_json::json!({
        "workspace_members": ["weft-crdt", "weft-sync", "weft-new"],
        "packages": [
            package("weft-crdt", &["weft-sync"]),
            package("weft-sync", &["helper", "rusqlite"]),
            package("weft-new", &[]),
            package("helper", &["tokio"]),
            package("tokio", &[]),
            package("rusqlite", &[]),
        ],
        "resolve": { "nodes": [
            node("weft-crdt", &["weft-sync"]),
            node("weft-sync", &["helper"]),
            node("helper", &["tokio"]),
            node("tokio", &[]),
        ] },
    });
    let graph = Graph::parse(&metadata);
    assert_eq!(
        upward(&graph),
        [
            "weft-crdt depends on weft-sync, which is not below it",
            "weft-new stands in no layer: add it to LAYERS",
        ]
    );
    assert_eq!(
        impure(&graph),
        [
            "a core reaches tokio: weft-crdt → weft-sync → helper → tokio",
            "a core reaches tokio: weft-sync → helper → tokio",
        ]
    );
    assert_eq!(out_of_place(&graph).len(), 1);
}
