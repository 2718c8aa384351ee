//! Searching the folder, replacing in it and following names, with a real node and its index.

use weft_editor::{AppCommand, Command};
use weft_node::api::SearchKind;

use super::odd::Real;
use super::*;
use crate::action::{Action, Actions};

const LIB: &str = "/// Counts sheep.\npub fn count(sheep: u32) -> u32 {\n    sheep + 1\n}\n";
const MAIN: &str = "fn main() {\n    let sheep = count(1);\n    count(sheep);\n}\n";

fn farm() -> Real {
    Real::new(&[
        ("lib.rs", LIB.as_bytes()),
        ("main.rs", MAIN.as_bytes()),
        ("notes.md", b"# Sheep\n\nsheep sleep\n"),
    ])
}

fn perform(real: &mut Real, action: Action) {
    let mut actions = Actions::default();
    actions.push(action);
    let ctx = real.harness.ctx.clone();
    real.harness.state_mut().perform(&ctx, &mut actions);
    real.harness.step();
}

fn run(real: &mut Real, command: AppCommand) {
    perform(real, Action::Run(Command::App(command)));
}

fn look_for(real: &mut Real, text: &str, kind: SearchKind) {
    perform(real, Action::ShowSearch(true));
    let query = crate::link::FolderQuery { text: text.to_owned(), kind, ..Default::default() };
    perform(real, Action::SearchFolder(query));
}

fn found(real: &Real) -> Vec<(String, usize, String)> {
    let search = &real.harness.state().state.search;
    search.matches.iter().map(|found| (found.path.clone(), found.line + 1, found.why.clone())).collect()
}

fn place(path: &str, line: usize, why: &str) -> (String, usize, String) {
    (path.to_owned(), line, why.to_owned())
}

#[test]
fn one_field_finds_texts_symbols_and_files() {
    let mut real = farm();
    look_for(&mut real, "sheep", SearchKind::Text);
    let all = [
        ("lib.rs", 1),
        ("lib.rs", 2),
        ("lib.rs", 3),
        ("main.rs", 2),
        ("main.rs", 3),
        ("notes.md", 1),
        ("notes.md", 3),
    ];
    real.until("all places", |real| {
        let found = found(real);
        found.len() == all.len()
            && found.iter().zip(all).all(|(found, all)| (found.0.as_str(), found.1) == all)
    });
    // Small and capital letters alike.
    real.until("how many", |real| real.has_words("7 places in 3 files"));
    look_for(&mut real, "count", SearchKind::Symbol);
    real.until("the definition", |real| found(real) == [place("lib.rs", 2, "function")]);
    look_for(&mut real, "mn.rs", SearchKind::File);
    real.until("the file", |real| found(real).iter().any(|found| found.0 == "main.rs"));
    look_for(&mut real, "count", SearchKind::All);
    real.until("the definition first", |real| {
        let found = found(real);
        found.first().is_some_and(|first| first.0 == "lib.rs") && found.len() == 4
    });
    // What cannot be answered is said in words, with what to do about it.
    look_for(&mut real, "woolly animals", SearchKind::Meaning);
    real.until("a cure", |real| real.has_words("no model on this device that reads"));
    look_for(&mut real, "(", SearchKind::Regex);
    real.until("what is wrong with it", |real| real.harness.state().state.search.error.is_some());
}

#[test]
fn a_replacement_is_shown_first_and_leaves_out_what_was_taken_out() {
    let mut real = farm();
    real.open("main.rs");
    run(&mut real, AppCommand::ShowSearch);
    real.harness.state_mut().drafts.search =
        crate::link::FolderQuery { text: "sheep".to_owned(), kind: SearchKind::Text, ..Default::default() };
    real.harness.step();
    real.click("Replace in files");
    real.until("the field", |real| real.harness.query_by_label("Replace with").is_some());
    real.harness.state_mut().drafts.replacement = Some("goats".to_owned());
    real.harness.step();
    real.click("Show what changes");
    real.until("the preview", |real| real.has_words("line 3: sheep + 1 becomes goats + 1"));
    assert_eq!(real.text().as_deref(), Some(MAIN), "nothing is changed before it is said so");
    real.click("lib.rs, 3 places");
    real.until("one file less", |real| real.has_words("Replace 4 places in 2 files"));
    real.click("Replace 4 places in 2 files");
    real.until("the open text", |real| real.text() == Some(MAIN.replace("sheep", "goats")));
    let read = |real: &Real, path: &str| std::fs::read_to_string(real.folder.join(path)).unwrap();
    real.until("the file on the disk", |real| read(real, "notes.md") == "# goats\n\ngoats sleep\n");
    assert_eq!(read(&real, "lib.rs"), LIB, "this one was taken out");
    real.until("a word about it", |real| real.has_words("Replaced 4 times in 2 files"));
}

#[test]
fn a_name_leads_to_its_definition_and_its_uses() {
    let mut real = farm();
    // The index has read what is defined.
    look_for(&mut real, "count", SearchKind::Symbol);
    real.until("the index", |real| found(real) == [place("lib.rs", 2, "function")]);
    real.open("main.rs");
    let caret = MAIN.find("count(1)").unwrap();
    perform(
        &mut real,
        Action::OpenFile { path: "main.rs".to_owned(), is_preview: false, place: Some((1, 16)) },
    );
    real.harness.step();
    assert_eq!(caret, "fn main() {\n".len() + 16);
    run(&mut real, AppCommand::GoToDefinition);
    real.until("the definition", |real| {
        real.text().as_deref() == Some(LIB) && real.has_words("Line 2, column 8")
    });
    run(&mut real, AppCommand::ShowReferences);
    real.until("the uses", |real| real.has_words("Uses of count: "));
    assert!(found(&real).iter().any(|found| found.0 == "main.rs" && found.1 == 3), "{:?}", found(&real));
    run(&mut real, AppCommand::NavigateBack);
    real.until("the way back", |real| {
        real.text().as_deref() == Some(MAIN) && real.has_words("Line 2, column 17")
    });
    run(&mut real, AppCommand::NavigateForward);
    real.until("and forward", |real| {
        real.text().as_deref() == Some(LIB) && real.has_words("Line 2, column 8")
    });
    // And one that nobody defines.
    perform(
        &mut real,
        Action::OpenFile { path: "notes.md".to_owned(), is_preview: false, place: Some((2, 7)) },
    );
    real.until("the notes", |real| real.text().is_some_and(|text| text.contains("sleep")));
    run(&mut real, AppCommand::GoToDefinition);
    real.until("a word about it", |real| real.has_words("Nothing in this folder defines sleep"));
}
