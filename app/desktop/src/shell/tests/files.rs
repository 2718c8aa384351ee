//! The tree of files, pictures, and Markdown as it is read.

use std::sync::Arc;

use eframe::egui::{Color32, ColorImage};

use super::*;
use crate::link::{FileChange, Picture};

fn changes(window: &Window) -> Vec<FileChange> {
    let changes = window.asked.iter().filter_map(|request| match request {
        ToLink::ChangeFile(change) => Some(change.clone()),
        _ => None,
    });
    changes.collect()
}

impl Window {
    /// Types a name into the field of the tree.
    fn name(&mut self, name: &str) {
        assert!(self.harness.query_by_role_and_label(Kind::TextInput, "Name").is_some());
        self.type_text(name);
        self.press(Modifiers::NONE, Key::Enter);
    }

    /// What is asked for is done.
    fn carry_out(&mut self) {
        for change in changes(self) {
            match &change {
                FileChange::NewFile(path) => drop(self.files.insert(path.clone(), String::new())),
                FileChange::Delete(path) => drop(self.files.remove(path)),
                FileChange::Rename { from, to } => {
                    let text = self.files.remove(from).unwrap_or_default();
                    self.files.insert(to.clone(), text);
                }
                _ => {}
            }
            self.asked.retain(|request| !matches!(request, ToLink::ChangeFile(_)));
            self.tell(FromLink::FileChanged { change, result: Ok(()) });
        }
    }
}

#[test]
fn a_new_file_is_made_where_the_selected_one_is_and_opens() {
    let mut window = Window::with(&[("src/main.rs", "fn main() {}\n")]);
    window.click("src");
    window.click("main.rs");
    window.click("New file");
    assert!(window.has("New file in src"));
    window.name("lib.rs");
    assert_eq!(changes(&window), [FileChange::NewFile("src/lib.rs".to_owned())]);
    window.carry_out();
    assert!(window.has("Tab lib.rs"));
    window.type_text("x");
    assert_eq!(window.text(), "x", "the new file has the keys");
    window.click("New folder");
    window.press(Modifiers::NONE, Key::Escape);
    assert!(changes(&window).is_empty());
    window.click("New file");
    window.name("lib.rs");
    let change = changes(&window).remove(0);
    window.tell(FromLink::FileChanged { change, result: Err("src/lib.rs is there already".to_owned()) });
    assert!(window.has("The file was not made: src/lib.rs is there already"));
}

#[test]
fn the_tree_is_gone_through_with_keys() {
    let mut window = Window::with(&[("a/one.md", "1"), ("a/two.md", "2"), ("b.md", "3")]);
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::E);
    for key in [Key::ArrowDown, Key::ArrowUp, Key::ArrowRight, Key::ArrowRight, Key::ArrowDown, Key::Enter] {
        window.press(Modifiers::NONE, key);
    }
    assert!(window.has("Tab two.md"));
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::E);
    window.press(Modifiers::NONE, Key::F2);
    window.press(Modifiers::CTRL, Key::A);
    window.name("three.md");
    let (from, to) = ("a/two.md".to_owned(), "a/three.md".to_owned());
    assert_eq!(changes(&window), [FileChange::Rename { from, to }]);
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::E);
    window.press(Modifiers::NONE, Key::ArrowLeft);
    window.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(!window.has("one.md"), "the folder is closed");
}

#[test]
fn a_renamed_file_keeps_its_tab_and_what_is_typed_reaches_it() {
    let mut window = Window::showing("old.md", "text\n");
    window.type_text("my ");
    let change = FileChange::Rename { from: "old.md".to_owned(), to: "new.md".to_owned() };
    let text = window.files.remove("old.md").unwrap();
    window.files.insert("new.md".to_owned(), text);
    // The answer to the last edit comes for the old name.
    window.harness.event(Event::Text("own ".to_owned()));
    window.harness.step();
    window.far.news.offer(FromLink::FileChanged { change, result: Ok(()) });
    window.settle();
    assert!(window.has("Tab new.md") && !window.has("Tab old.md"));
    assert_eq!(window.text(), "my own text\n");
    window.type_text("!");
    window.settle();
    let folder = window.shell().state.folder.as_ref().unwrap();
    assert!(!folder.active().unwrap().0.is_behind(), "the node has everything");
}

#[test]
fn what_is_deleted_is_asked_about_first() {
    let mut window = Window::showing("a.md", "text\n");
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::E);
    window.press(Modifiers::NONE, Key::Delete);
    assert!(window.has("Delete a.md?") && window.has("It is deleted for everybody in the workspace."));
    window.click("Cancel");
    assert!(changes(&window).is_empty() && !window.has("Delete a.md?"));
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::E);
    window.press(Modifiers::NONE, Key::Delete);
    window.click("Delete");
    assert_eq!(changes(&window), [FileChange::Delete("a.md".to_owned())]);
    window.carry_out();
    assert!(!window.has("Tab a.md"));
}

#[test]
fn who_may_only_read_makes_and_deletes_nothing() {
    let mut window = Window::with_role(&[("a.md", "text\n")], Role::Viewer);
    window.click("a.md");
    window.click("New file");
    assert!(window.has("You may read this workspace, not write in it"));
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::E);
    window.press(Modifiers::NONE, Key::Delete);
    assert!(!window.has("Delete a.md?") && changes(&window).is_empty());
}

/// A file that a person lets go of above the window.
#[derive(Debug)]
struct Dropped;

impl eframe::egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        Path::new("/tmp/picture.png")
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

#[test]
fn files_that_are_dropped_are_copied_to_what_is_selected() {
    let mut window = Window::with(&[("docs/a.md", ""), ("b.md", "")]);
    window.click("docs");
    window.harness.input_mut().dropped_files.push(Arc::new(Dropped));
    window.settle();
    let copy = FileChange::CopyIn { from: vec!["/tmp/picture.png".into()], into: "docs".to_owned() };
    assert_eq!(changes(&window), [copy]);
}

#[test]
fn a_picture_is_shown_and_one_that_cannot_be_read_says_why() {
    let mut window = Window::with(&[("a.png", ""), ("b.jpg", "")]);
    window.click("a.png");
    assert!(
        window.asked.iter().any(|request| matches!(request, ToLink::ReadPicture(path) if path == "a.png"))
    );
    let image = Arc::new(ColorImage::filled([4, 2], Color32::RED));
    let picture = Picture { image, size: [400, 200], bytes: 1_234 };
    window.tell(FromLink::Picture { path: "a.png".to_owned(), result: Ok(picture) });
    assert!(window.has("Picture a.png"));
    window.click("b.jpg");
    let result = Err("the picture cannot be read: it is cut".to_owned());
    window.tell(FromLink::Picture { path: "b.jpg".to_owned(), result });
    assert!(window.has("The picture cannot be read: it is cut"));
    assert!(window.has("Open it with its own program; the whole file is shared"));
    // A picture whose tab was closed meanwhile is let go of.
    window.press(Modifiers::CTRL, Key::W);
    window.press(Modifiers::CTRL, Key::W);
    assert!(window.shell().state.folder.as_ref().unwrap().pictures.is_empty());
}

#[test]
fn markdown_is_shown_beside_its_text_and_follows_it() {
    let text = "# Plan\n\nSee [the guide](guide.md).\n\n![far](https://example.org/a.png)\n";
    let mut window = Window::with(&[("plan.md", text), ("a.rs", "")]);
    window.click("plan.md");
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::V);
    assert!(window.has("Plan") && window.has("See the guide.") && window.has("[far]"));
    window.type_text("# New\n\n");
    assert!(window.has("New"));
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::V);
    assert!(!window.has("See the guide."));
    window.click("a.rs");
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::V);
    assert!(window.has("Only Markdown has a preview"));
}

#[test]
fn a_text_that_is_too_long_is_not_previewed() {
    let long = format!("# Title\n\n{}", "word ".repeat(PREVIEW_BYTES_MAX / 5 + 1));
    let mut window = Window::showing("plan.md", &long);
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::V);
    assert!(window.has("This text is too long to be shown as it is read."));
}

#[test]
fn what_was_typed_in_a_file_that_vanished_stays_and_goes_into_the_one_that_comes_back() {
    let mut window = Window::showing("a.md", "one\n");
    window.files.remove("a.md");
    let error = ApiError::not_found("there is no file a.md").hint("look for it");
    window.harness.event(Event::Text("my ".to_owned()));
    window.harness.step();
    while window.far.asked.try_recv().is_ok() {}
    window.tell(FromLink::Edited { path: "a.md".to_owned(), document: 1, result: Err(error) });
    assert_eq!(window.text(), "my one\n");
    assert!(window.has("There is no file a.md"));
    window.type_text("own ");
    assert_eq!(window.text(), "my own one\n");
    assert!(window.edits.is_empty());
    window.files.insert("a.md".to_owned(), "one\ntwo\n".to_owned());
    let mut status = status(Role::Owner, &[]);
    status.digest = "2".to_owned();
    window.tell(FromLink::Status(Ok(Box::new(status))));
    assert_eq!(window.text(), "my own one\ntwo\n");
    let sent = ClientEdit { at: 0, delete: 0, insert: "my own ".to_owned() };
    assert_eq!(window.edits, [vec![sent]]);
}

#[test]
fn settings_with_mistakes_are_told_with_their_place_and_the_others_count() {
    let mut window = Window::first();
    let settings = "[editor]\ntab_size = \"wide\"\nline_numbers = false\n".to_owned();
    window.tell(FromLink::SettingsRead { settings, keys: String::new() });
    assert!(window.has_words("settings.toml, line 2"));
    assert!(!window.shell().state.settings.is_on("editor.line_numbers"));
    assert_eq!(window.shell().state.settings.integer("editor.tab_size"), 4);
    let broken = "[editor\n".to_owned();
    window.tell(FromLink::SettingsRead { settings: broken, keys: String::new() });
    assert!(window.has_words("settings.toml, line 1"));
}
