mod layout;

use super::*;
use crate::command::{AppCommand, Command, commands};
use crate::keymap::{KeyMap, Platform};
use crate::limits::{
    FOLDER_ENTRIES_MAX, QUICK_RESULTS_MAX, QUICK_STEP_NAMES, RECENT_COMMANDS_MAX, TREE_ROWS_MAX,
};
use crate::testing::{self, under_seeds};

fn ranked(query: &str, names: &[&str]) -> Vec<String> {
    let mut open = QuickOpen::new(query);
    while open.advance(names) {}
    open.best().iter().map(|ranked| names[ranked.index].to_owned()).collect()
}

#[test]
fn names_are_found_by_some_of_their_letters() {
    let names = [
        "src/commands/motion.rs",
        "src/main.rs",
        "docs/domain.md",
        "src/keymap/map.rs",
        "src/document/tests.rs",
        "README.md",
    ];
    assert_eq!(ranked("main", &names)[0], "src/main.rs");
    assert_eq!(ranked("map", &names)[0], "src/keymap/map.rs");
    assert_eq!(ranked("readme", &names), ["README.md"]);
    assert_eq!(ranked("doc test", &names), ["src/document/tests.rs"]);
    assert_eq!(ranked("rs src", &names).len(), 4);
    assert_eq!(ranked("zzz", &names), [""; 0]);
    assert_eq!(ranked("", &names), names);
    assert_eq!(ranked("fb", &["fab", "foo_bar", "fooBar", "xfb"])[3], "xfb");
    let matched = Fuzzy::new("mrs").matches("src/main.rs").unwrap();
    assert_eq!(matched.positions, [4, 9, 10]);
    assert!(Fuzzy::new("GRÖS").matches("größe").is_none());
    assert!(Fuzzy::new("GRÖ").matches("größe").is_some());
}

#[test]
fn matches_are_in_the_name_and_in_order() {
    under_seeds(300, |rng| {
        let (name, query) = (testing::text(rng, 20), testing::text(rng, 3));
        if let Some(matched) = Fuzzy::new(&query).matches(&name) {
            assert!(matched.positions.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(matched.positions.iter().all(|at| *at < name.chars().count()));
        }
        let _ = QuickQuery::parse(&query);
    });
}

#[test]
fn quick_open_goes_step_by_step_and_keeps_the_best() {
    let names: Vec<String> = (0..QUICK_STEP_NAMES + 1).map(|number| format!("file{number}")).collect();
    let mut open = QuickOpen::new("file");
    assert!(open.advance(&names));
    assert!(!open.advance(&names));
    assert_eq!(open.best().len(), QUICK_RESULTS_MAX);
    let few: Vec<&String> = names.iter().take(QUICK_RESULTS_MAX - 1).collect();
    let mut open = QuickOpen::new("file");
    open.advance(&few);
    assert_eq!(open.best().len(), QUICK_RESULTS_MAX - 1);
}

#[test]
fn the_first_sign_says_what_is_meant() {
    let file = |name: &str, line, column| QuickQuery::File { name: name.to_owned(), line, column };
    for (text, query) in [
        ("main", file("main", None, None)),
        ("main:12", file("main", Some(12), None)),
        ("main:12:3", file("main", Some(12), Some(3))),
        ("> split", QuickQuery::Command("split".to_owned())),
        ("@f", QuickQuery::Symbol("f".to_owned())),
        ("#f", QuickQuery::WorkspaceSymbol("f".to_owned())),
        ("/f", QuickQuery::Text("f".to_owned())),
        ("?f", QuickQuery::Meaning("f".to_owned())),
        (":7:2", QuickQuery::Line { line: Some(7), column: Some(2) }),
        (":x", QuickQuery::Line { line: None, column: None }),
        ("", file("", None, None)),
    ] {
        assert_eq!(QuickQuery::parse(text), query, "{text}");
    }
}

#[test]
fn the_palette_shows_commands_with_their_keys() {
    let keys = KeyMap::new(Platform::Linux);
    let mut palette = Palette::default();
    let rows = palette.rows("split right", &keys);
    assert_eq!(rows[0].info.command, Command::App(AppCommand::SplitRight));
    assert_eq!(rows[0].keys.as_deref(), Some("Ctrl+\\"));
    assert_eq!(palette.rows("", &keys).len(), commands().len());
    palette.used(Command::App(AppCommand::Share));
    let rows = palette.rows("", &keys);
    assert!(rows[0].is_recent && rows[0].info.id == "weft.share");
    for info in commands() {
        palette.used(info.command);
    }
    let recent = palette.rows("", &keys).iter().filter(|row| row.is_recent).count();
    assert_eq!(recent, RECENT_COMMANDS_MAX);
}

fn entries(names: &[&str]) -> Vec<Entry> {
    let entry = |name: &&str| {
        let folder = name.strip_suffix('/');
        Entry { name: folder.unwrap_or(name).to_owned(), is_folder: folder.is_some() }
    };
    names.iter().map(entry).collect()
}

fn shown(tree: &mut FileTree) -> Vec<String> {
    tree.rows().iter().map(|row| format!("{}{}", "  ".repeat(row.depth), row.name)).collect()
}

#[test]
fn folders_are_read_when_they_are_opened() {
    let (mut tree, effects) = FileTree::new();
    assert_eq!(effects, [TreeEffect::Load(String::new())]);
    assert_eq!(shown(&mut tree), [""; 0]);
    tree.loaded("", entries(&["b10", "b9", "Zoo/", "a", "src/"]));
    assert_eq!(shown(&mut tree), ["src", "Zoo", "a", "b9", "b10"]);
    assert_eq!(tree.open("src"), [TreeEffect::Load("src".to_owned())]);
    assert!(tree.rows()[0].is_loading);
    tree.loaded("src", entries(&["lib.rs"]));
    assert_eq!(shown(&mut tree), ["src", "  lib.rs", "Zoo", "a", "b9", "b10"]);
    tree.toggle("src");
    assert_eq!(shown(&mut tree).len(), 5);
    assert_eq!(tree.toggle("src"), [], "it is known already");
    tree.open("Zoo");
    tree.failed("Zoo", "no right to read it");
    assert_eq!(tree.rows()[2].note.as_deref(), Some("no right to read it"));
    // What changes is read again where it is seen.
    assert_eq!(tree.changed("src"), [TreeEffect::Load("src".to_owned())]);
    assert_eq!(shown(&mut tree)[1], "  lib.rs", "the old entries stay meanwhile");
    tree.loaded("src", entries(&["main.rs"]));
    assert_eq!(shown(&mut tree)[1], "  main.rs");
    tree.close("src");
    assert_eq!(tree.changed("src"), []);
    assert_eq!(tree.open("src"), [TreeEffect::Load("src".to_owned())]);
    tree.loaded("never asked", entries(&["x"]));
    tree.failed("never asked", "x");
}

#[test]
fn a_file_is_revealed_through_folders_that_are_not_read_yet() {
    let (mut tree, _) = FileTree::new();
    assert_eq!(tree.reveal("a/b/c.rs"), []);
    assert_eq!(tree.loaded("", entries(&["a/"])), [TreeEffect::Load("a".to_owned())]);
    assert_eq!(tree.loaded("a", entries(&["b/"])), [TreeEffect::Load("a/b".to_owned())]);
    assert_eq!(tree.loaded("a/b", entries(&["c.rs", "d.rs"])), []);
    assert_eq!(tree.selected_row(), Some(2));
    tree.move_selection(1);
    assert_eq!(tree.selected(), Some("a/b/d.rs"));
    tree.move_selection(9);
    assert_eq!(tree.selected(), Some("a/b/d.rs"));
    tree.move_selection(-9);
    assert_eq!(tree.selected(), Some("a"));
}

#[test]
fn a_tree_shows_at_most_so_much() {
    let many = |count: usize| -> Vec<Entry> {
        (0..count).map(|number| Entry { name: format!("{number}"), is_folder: false }).collect()
    };
    let (mut tree, _) = FileTree::new();
    tree.loaded("", many(FOLDER_ENTRIES_MAX));
    assert!(matches!(tree.folder(""), Some(FolderState::Ready { left_out: 0, .. })));
    tree.loaded("", many(FOLDER_ENTRIES_MAX + 1));
    assert!(matches!(tree.folder(""), Some(FolderState::Ready { left_out: 1, .. })));
    let folders: Vec<Entry> = (0..TREE_ROWS_MAX / FOLDER_ENTRIES_MAX + 1)
        .map(|number| Entry { name: format!("f{number}"), is_folder: true })
        .collect();
    tree.loaded("", folders.clone());
    for folder in &folders {
        tree.open(&folder.name);
        tree.loaded(&folder.name, many(FOLDER_ENTRIES_MAX));
    }
    assert_eq!(tree.rows().len(), TREE_ROWS_MAX);
}
