//! What a question names of a workspace, what an answer names of it, and templates.

use std::fs;

use serde_json::json;
use weft_tests::{Files, ScriptedModel};

use super::Desk;

#[test]
fn what_a_question_names_is_shown() {
    let server =
        ScriptedModel::saying(["See tree.rs:3-4 and `guide.md:1`, not nowhere.rs:5 or tree.rs:999."])
            .expect("a server");
    let desk = Desk::without_model();
    let files = Files::new(desk.folder.clone()).expect("a folder");
    files
        .write(
            "tree.rs",
            "struct Tree;\n\nimpl Tree {\n    fn prune_leaves(&self) {\n        self.rake();\n    }\n}\n",
        )
        .expect("a file");
    files
        .write(
            "guide.md",
            "# Guide\n\n## Pruning\n\nLeaves are pruned in autumn, with a rake.\n\n## Other\n\nNothing.\n",
        )
        .expect("a file");
    desk.device.weft(["status", "notes"]).expect("a look");
    files.write("main.rs", "fn main() {\n    let answer = 6 * 9;\n    \n}\n").expect("a file");
    desk.add("script", "openai", &server);
    let ask = |text: &str, more: &[&str]| {
        let words = ["ai", "chat", text, "--folder", "notes", "--model", "script", "--yes", "--fresh"];
        let answer = desk.device.weft(words.iter().chain(more).copied()).expect(text);
        (answer, server.questions().last().expect("a question").text())
    };
    let (answer, sent) = ask("what does @symbol:Tree::prune_leaves do?", &[]);
    assert_eq!(answer.field("sources"), &json!(["tree.rs:4-6"]));
    assert!(sent.contains("<file name=\"tree.rs:4-6\">\n    fn prune_leaves(&self) {"), "{sent}");
    let cited = json!([
        { "path": "tree.rs", "line": 3, "to_line": 4 },
        { "path": "guide.md", "line": 1, "to_line": 1 },
    ]);
    assert_eq!(answer.field("citations"), &cited);
    let (answer, sent) = ask("is @selection right?", &["--selection", "notes/tree.rs:4-5"]);
    assert_eq!(answer.field("sources"), &json!(["tree.rs:4-5"]));
    assert!(sent.contains("self.rake();\n</file>"), "{sent}");
    let (answer, sent) = ask("is @diff right?", &[]);
    let sources = answer.field("sources").to_string();
    assert!(sources.contains("changes of main.rs"), "{sources}");
    assert!(sent.contains("-    let answer = 6 * 7;\n+    let answer = 6 * 9;\n"), "{sent}");
    let (answer, _) = ask("is @diff:main.rs right?", &[]);
    assert_eq!(answer.field("sources"), &json!(["changes of main.rs"]));
    let (answer, sent) = ask("when are leaves pruned? @docs", &[]);
    assert!(
        answer.field("sources")[0].as_str().is_some_and(|source| source.starts_with("guide.md:")),
        "{answer:?}"
    );
    assert!(sent.contains("pruned in autumn") && !sent.contains("fn prune_leaves"), "{sent}");
    let refuse = |text: &str| {
        let words = ["ai", "chat", text, "--folder", "notes", "--model", "script", "--yes"];
        desk.device.weft(words).expect_err(text).code
    };
    assert_eq!(refuse("what is @symbol:unheard_of?"), Some(3));
    assert_eq!(refuse("what is @selection?"), Some(2));
    assert_eq!(refuse("what is @../../etc/passwd?"), Some(2));
    assert_eq!(refuse("what is @diff:.env?"), Some(4));
}

#[test]
fn templates_are_the_persons_to_change() {
    let server = ScriptedModel::saying(["done"]).expect("a server");
    let desk = Desk::with_server(&server);
    let templates = desk.device.weft(["ai", "templates"]).expect("templates");
    let list = templates.field("templates").as_array().expect("templates").clone();
    let names: Vec<&str> = list.iter().filter_map(|template| template["name"].as_str()).collect();
    assert_eq!(names, ["document", "explain", "fix", "generate", "refactor", "test"]);
    let folder = std::path::Path::new(templates.text("folder"));
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("fix.txt"), "Repair it gently: {text}").expect("a file");
    fs::write(folder.join("poem.txt"), "Write a poem about it.").expect("a file");
    let ask = |name: &str| {
        let words = ["ai", "chat", "@main.rs", "--as", name, "--folder", "notes", "--yes"];
        desk.device.weft(words).map(|_| server.questions().last().expect("a question").text())
    };
    assert!(ask("fix").expect("an answer").ends_with("Repair it gently: @main.rs"));
    assert!(ask("poem").expect("an answer").contains("Write a poem about it. @main.rs"));
    assert!(ask("explain").expect("an answer").contains("6 * 7"));
    assert_eq!(ask("unheard-of").expect_err("no template").code, Some(3));
    let shown = desk.device.shown(["ai", "templates"]).expect("text");
    assert!(
        shown.contains("yours: ") && shown.contains("comes with Weft") && shown.contains("poem"),
        "{shown}"
    );
}
