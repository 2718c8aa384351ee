//! The window without a display: panels are found by what a screen reader is told of them.

use std::{collections::BTreeMap, path::Path};

use eframe::egui::{Event, Key, Modifiers, Role as Kind, Vec2};
use egui_kittest::{Harness, kittest::Queryable as _};
use weft_editor::window::Entry;
use weft_node::api::{
    ApiError, ClientEdit, CursorPosition, DocumentChanged, DocumentCursors, Presence, PresentDevice,
    RemoteCursor, Role, WorkspaceStatus,
};

use super::Shell;
use crate::{
    limits::{
        DISCS_MAX, DOTS_MAX, EARLY_CURSORS_MAX, HISTORY_MAX, KEPT_ROWS_MAX, LABELS_MAX, NEWS_PER_FRAME_MAX,
        PREVIEW_BYTES_MAX,
    },
    link::{Ask, FarEnd, FromLink, Link, Saved, ToLink},
    state::{Page, SavedState},
    tokens,
};

mod chat;
mod devices;
mod files;
mod ghosts;
mod keyboard;
mod models;
mod odd;
mod own;
mod searching;
mod unsaved;

const ROOT: &str = "/notes";

/// A window and a node that is only pretended.
struct Window {
    harness: Harness<'static, Shell>,
    far: FarEnd,
    files: BTreeMap<String, String>,
    revisions: BTreeMap<u64, u64>,
    numbers: BTreeMap<String, u64>,
    /// Requests that nobody answered.
    asked: Vec<ToLink>,
    edits: Vec<Vec<ClientEdit>>,
    /// The model of each message of edits.
    edit_models: Vec<Option<String>>,
    role: Role,
}

impl Window {
    /// The first page.
    fn first() -> Self {
        let (link, far) = Link::pair();
        let shell = Shell::new(link, Path::new("/home"), &SavedState::default(), None);
        let harness = Harness::builder()
            .with_size(Vec2::new(1_100.0, 700.0))
            .with_context_setup(|ctx| ctx.set_fonts(tokens::fonts()))
            .build_ui_state(|ui, shell: &mut Shell| shell.frame(ui), shell);
        let mut window = Self {
            harness,
            far,
            files: BTreeMap::new(),
            revisions: BTreeMap::new(),
            numbers: BTreeMap::new(),
            asked: Vec::new(),
            edits: Vec::new(),
            edit_models: Vec::new(),
            role: Role::Owner,
        };
        window.tell(FromLink::Connected { is_own: true });
        let settings = "[editor]\ncaret_blink = false\n[window]\ntheme = \"dark\"\n".to_owned();
        window.tell(FromLink::SettingsRead { settings, keys: String::new() });
        window
    }

    /// A folder with files.
    fn with(files: &[(&str, &str)]) -> Self {
        Self::with_role(files, Role::Owner)
    }

    fn with_role(files: &[(&str, &str)], role: Role) -> Self {
        let mut window = Self::first();
        window.role = role;
        window.files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        window.tell(FromLink::FolderFound(Ok(ROOT.into())));
        window.tell(FromLink::Status(Ok(Box::new(status(role, &[])))));
        window
    }

    /// With a file shown.
    fn showing(path: &str, text: &str) -> Self {
        let mut window = Self::with(&[(path, text)]);
        window.click(path);
        window
    }

    /// Tells the window something and lets it settle.
    fn tell(&mut self, news: FromLink) {
        self.far.news.offer(news);
        self.settle();
    }

    /// Draws frames and answers requests until nothing is asked any more.
    fn settle(&mut self) {
        for _ in 0..50 {
            self.harness.step();
            let mut has_answered = false;
            while let Ok(request) = self.far.asked.try_recv() {
                has_answered |= self.answer(request);
            }
            if !has_answered {
                break;
            }
        }
        self.harness.run_steps(3);
    }

    fn answer(&mut self, request: ToLink) -> bool {
        let news = match request {
            ToLink::OpenFolder(folder) => FromLink::FolderFound(Ok(folder)),
            ToLink::ReadFolder(path) => FromLink::FolderRead { result: Ok(self.entries(&path)), path },
            ToLink::ListFiles => FromLink::Listed(self.files.keys().cloned().collect()),
            ToLink::OpenDocument { path, .. } => {
                let result = match self.files.get(&path) {
                    Some(text) => {
                        let number = self.numbers.len() as u64 + 1;
                        self.numbers.insert(path.clone(), number);
                        self.revisions.insert(number, 0);
                        Ok((number, text.clone(), 0))
                    }
                    None => Err(ApiError::not_found("there is no such file").hint("look for it")),
                };
                FromLink::Opened { path, result }
            }
            ToLink::EditDocument { path, document, edits, model, .. } => {
                self.edits.push(edits);
                self.edit_models.push(model);
                let revision = self.revisions.entry(document).or_default();
                *revision += 1;
                FromLink::Edited { path, document, result: Ok(*revision) }
            }
            ToLink::Parse { path, job } => match job.run(&mut || false) {
                Some(parsed) => FromLink::Parsed { path, parsed: Box::new(parsed) },
                None => return false,
            },
            ToLink::Outline { of, tree, buffer } => {
                FromLink::Outlined { items: tree.outline(buffer.rope()), of }
            }
            other => {
                self.asked.push(other);
                return false;
            }
        };
        self.far.news.offer(news);
        true
    }

    fn entries(&self, folder: &str) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for path in self.files.keys() {
            let Some(rest) = (if folder.is_empty() {
                Some(path.as_str())
            } else {
                path.strip_prefix(&format!("{folder}/"))
            }) else {
                continue;
            };
            let (name, is_folder) = rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
            if !entries.iter().any(|entry| entry.name == name) {
                entries.push(Entry { name: name.to_owned(), is_folder });
            }
        }
        entries
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.settle();
    }

    fn has(&self, label: &str) -> bool {
        self.harness.query_by_label(label).is_some()
    }

    fn has_words(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.settle();
    }

    fn type_text(&mut self, text: &str) {
        self.harness.event(Event::Text(text.to_owned()));
        self.settle();
    }

    fn shell(&self) -> &Shell {
        self.harness.state()
    }

    fn text(&self) -> String {
        let folder = self.shell().state.folder.as_ref().unwrap();
        folder.active().unwrap().0.buffer().rope().to_string()
    }

    /// The ask that fits, once.
    fn take_ask(&mut self, fits: impl Fn(&Ask) -> bool) -> Option<Ask> {
        let at = self.asked.iter().position(|request| matches!(request, ToLink::Ask(ask) if fits(ask)))?;
        if let ToLink::Ask(ask) = self.asked.remove(at) { Some(ask) } else { None }
    }

    fn others_edit(&mut self, path: &str, at: u64, delete: u64, insert: &str) {
        let document = self.numbers[path];
        let revision = self.revisions.get_mut(&document).unwrap();
        *revision += 1;
        let edits = vec![ClientEdit { at, delete, insert: insert.to_owned() }];
        let changed = DocumentChanged { document, revision: *revision, edits, user: None };
        self.tell(FromLink::Changed(changed));
    }
}

/// A status with other people: their name, whether they are connected and whether they have everything.
fn status(role: Role, peers: &[(&str, bool, bool)]) -> WorkspaceStatus {
    let peers: Vec<serde_json::Value> = peers
        .iter()
        .map(|(name, connected, has_all_mine)| {
            serde_json::json!({ "user": format!("{name}-id"), "user_name": name, "device": name,
                "device_name": "laptop", "connected": connected, "path": null, "has_all_mine": has_all_mine,
                "missing": 3 })
        })
        .collect();
    serde_json::from_value(serde_json::json!({
        "workspace": "w", "name": "Notes", "folder": ROOT, "user": "me", "user_name": "Ana", "device": "d",
        "role": role, "digest": "1", "frontier": {}, "files": 1, "peers": peers, "pending": [], "kept_by": [],
    }))
    .unwrap()
}

#[test]
fn the_first_page_offers_three_ways_and_leads_to_a_folder() {
    let mut window = Window::first();
    assert!(window.has("Join with a ticket") && window.has("Link this device"));
    window.click("Open a folder");
    window.harness.get_by_role_and_label(Kind::TextInput, "Path of the folder").focus();
    window.settle();
    window.type_text("x");
    let looked = window.asked.iter().rev().find_map(|request| match request {
        ToLink::LookAtPath(path) => Some(path.clone()),
        _ => None,
    });
    let path = looked.expect("the path is looked at");
    assert!(path.ends_with('x'), "{path}");
    window.tell(FromLink::PathSeen { path: path.clone(), is_folder: true, folders: vec!["/ab/sub".into()] });
    assert!(window.has("sub"));
    window.click("Open");
    assert_eq!(window.shell().state.folder.as_ref().unwrap().root, Path::new(&path));
}

#[test]
fn a_folder_that_nobody_shares_can_be_made_a_workspace() {
    let mut window = Window::first();
    window.tell(FromLink::FolderFound(Ok(ROOT.into())));
    window.tell(FromLink::Status(Err(ApiError::not_found("/notes is in no workspace"))));
    assert!(window.has("This folder is not a workspace yet"));
    window.click("Make it a workspace");
    assert!(window.take_ask(|ask| matches!(ask, Ask::Init)).is_some());
    window.tell(FromLink::Init(Err(ApiError::failed("the disk is full").hint("make room"))));
    assert!(window.has("The disk is full") && window.has("Make room"));
    window.tell(FromLink::Init(Ok(Vec::new())));
    window.tell(FromLink::Status(Ok(Box::new(status(Role::Owner, &[])))));
    assert!(window.has("No file is open"));
}

#[test]
fn a_click_in_the_tree_opens_a_file_and_what_is_typed_is_seen_and_sent_at_once() {
    let mut window = Window::with(&[("src/main.rs", "fn main() {}\n"), ("plan.md", "# Plan\n")]);
    window.click("src");
    window.click("main.rs");
    let editor = window.harness.get_by_role_and_label(Kind::MultilineTextInput, "src/main.rs");
    assert_eq!(editor.value().as_deref(), Some("fn main() {}"));
    assert!(window.has("Tab main.rs"));
    assert!(window.has("Line 1, column 1") && window.has("Rust"));
    // One frame: the text is there when the frame with the key is drawn.
    window.harness.event(Event::Text("// ".to_owned()));
    window.harness.step();
    assert_eq!(window.text(), "// fn main() {}\n");
    window.settle();
    let sent = ClientEdit { at: 0, delete: 0, insert: "// ".to_owned() };
    assert_eq!(window.edits, [vec![sent]]);
    window.press(Modifiers::CTRL, Key::Z);
    assert_eq!(window.text(), "fn main() {}\n");
    assert_eq!(window.edits.len(), 2);
}

#[test]
fn edits_of_others_come_in_and_undo_takes_back_only_what_is_mine() {
    let mut window = Window::showing("plan.md", "one\ntwo\n");
    window.type_text("my ");
    window.others_edit("plan.md", 3, 0, "their ");
    assert_eq!(window.text(), "my their one\ntwo\n");
    window.press(Modifiers::CTRL, Key::Z);
    assert_eq!(window.text(), "their one\ntwo\n");
}

#[test]
fn news_that_do_not_fit_open_the_document_again_and_keep_what_was_typed() {
    let mut window = Window::showing("plan.md", "one\n");
    window.type_text("my ");
    window.files.insert("plan.md".to_owned(), "my one two\n".to_owned());
    *window.revisions.get_mut(&1).unwrap() += 5;
    window.others_edit("plan.md", 0, 0, "lost ");
    assert_eq!(window.text(), "my one two\n");
    assert_eq!(window.numbers["plan.md"], 2, "it was opened again");
}

#[test]
fn the_cursor_of_another_has_a_name() {
    let mut window = Window::showing("plan.md", "one\ntwo\n");
    window.tell(FromLink::Status(Ok(Box::new(status(Role::Owner, &[("Ben", true, true)])))));
    let cursor = CursorPosition { head: 5, anchor: 5 };
    let cursors = vec![RemoteCursor {
        user: "Ben-id".to_owned(),
        user_name: None,
        device: "Ben".to_owned(),
        cursor,
        others: Vec::new(),
    }];
    window.tell(FromLink::Cursors(DocumentCursors { document: 1, revision: 0, cursors }));
    let folder = window.shell().state.folder.as_ref().unwrap();
    let people = folder.active().unwrap().0.people();
    assert_eq!((people[0].name.as_str(), people[0].selection.head.0), ("Ben", 5));
    assert!(window.has("Ben"), "a disc at the top");
    assert!(window.has("Everyone has your edits"));
}

/// Ben at his laptop, in a file.
fn ben_in(file: Option<&str>) -> FromLink {
    FromLink::Presence(Presence {
        workspace: "w".to_owned(),
        users: vec!["Ben-id".to_owned()],
        devices: vec![PresentDevice {
            device: "ben-laptop".to_owned(),
            device_name: Some("laptop".to_owned()),
            user: "Ben-id".to_owned(),
            user_name: Some("Ben".to_owned()),
            is_own: false,
            file: file.map(str::to_owned),
        }],
    })
}

fn ben_at(document: u64, head: u64) -> FromLink {
    let cursor = CursorPosition { head, anchor: head };
    let (user, device) = ("Ben-id".to_owned(), "ben-laptop".to_owned());
    let cursors =
        vec![RemoteCursor { user, user_name: Some("Ben".to_owned()), device, cursor, others: Vec::new() }];
    FromLink::Cursors(DocumentCursors { document, revision: 0, cursors })
}

#[test]
fn who_is_followed_is_followed_into_files_and_lines_until_one_acts_oneself() {
    let long: String = (0..300).map(|line| format!("line {line}\n")).collect();
    let mut window = Window::with(&[("a.md", "one\n"), ("b.md", &long)]);
    window.tell(ben_in(None));
    assert!(window.has("Follow Ben"));
    window.click("Follow Ben");
    assert!(window.has("Following Ben"));
    // The cursor may be told before the answer that the document is open.
    window.far.news.offer(ben_at(1, 2_000));
    window.tell(ben_in(Some("b.md")));
    assert!(window.has("Tab b.md"));
    let folder = window.shell().state.folder.as_ref().unwrap();
    let (document, view) = folder.active().unwrap();
    assert!(document.top_row(view) > 150.0, "{}", document.top_row(view));
    window.tell(ben_at(1, 0));
    let folder = window.shell().state.folder.as_ref().unwrap();
    let (document, view) = folder.active().unwrap();
    assert!(document.top_row(view) < 1.0, "{}", document.top_row(view));
    window.type_text("x");
    assert!(!window.has("Following Ben"));
    window.tell(ben_in(Some("a.md")));
    assert!(!window.has("Tab a.md"));
    window.click("Follow Ben");
    assert!(window.has("Tab a.md"));
    // Whoever leaves is not followed any more.
    let nobody = Presence { workspace: "w".to_owned(), users: Vec::new(), devices: Vec::new() };
    window.tell(FromLink::Presence(nobody));
    assert!(!window.has("Following Ben") && !window.has("Follow Ben"));
}

#[test]
fn no_more_than_so_many_cursors_wait_for_their_documents() {
    let mut window = Window::with(&[("a.md", "one\n")]);
    for number in 0..=EARLY_CURSORS_MAX as u64 {
        window.far.news.offer(ben_at(100 + number, 0));
    }
    window.settle();
    let folder = window.shell().state.folder.as_ref().unwrap();
    assert_eq!(folder.early_cursors.len(), EARLY_CURSORS_MAX);
}

#[test]
fn more_people_than_fit_are_counted() {
    let mut window = Window::with(&[("a.md", "one\n")]);
    let device = |number: usize| PresentDevice {
        device: number.to_string(),
        device_name: None,
        user: format!("u{number}"),
        user_name: Some(format!("P{number}")),
        is_own: false,
        file: Some("a.md".to_owned()),
    };
    let devices: Vec<_> = (0..DISCS_MAX + DOTS_MAX).map(device).collect();
    window.tell(FromLink::Presence(Presence { workspace: "w".to_owned(), users: Vec::new(), devices }));
    assert!(window.has("Follow P0") && !window.has(&format!("Follow P{DISCS_MAX}")));
    assert!(window.has(&format!("+{DOTS_MAX}")));
}

#[test]
fn more_cursors_than_can_be_drawn_do_no_harm() {
    let mut window = Window::showing("plan.md", "one\ntwo\n");
    let cursors = (0..=LABELS_MAX as u64).map(|number| {
        let cursor = CursorPosition { head: number % 8, anchor: 0 };
        RemoteCursor {
            user: number.to_string(),
            user_name: Some(format!("P{number}")),
            device: String::new(),
            cursor,
            others: Vec::new(),
        }
    });
    window.tell(FromLink::Cursors(DocumentCursors { document: 1, revision: 0, cursors: cursors.collect() }));
    let folder = window.shell().state.folder.as_ref().unwrap();
    assert_eq!(folder.active().unwrap().0.people().len(), LABELS_MAX + 1);
}

#[test]
fn who_may_only_read_is_told_so_and_changes_nothing() {
    let mut window = Window::with_role(&[("plan.md", "one\n")], Role::Viewer);
    window.click("plan.md");
    window.type_text("x");
    window.press(Modifiers::NONE, Key::Backspace);
    assert_eq!(window.text(), "one\n");
    assert!(window.has("You may read this workspace, not write in it") && window.has("Read only"));
    assert!(window.edits.is_empty());
}

#[test]
fn the_palette_finds_and_runs_commands() {
    let mut window = Window::showing("plan.md", "one\n");
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::P);
    assert!(window.harness.query_by_role_and_label(Kind::TextInput, "Commands").is_some());
    window.type_text("color theme");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(window.harness.query_by_role_and_label(Kind::TextInput, "Colour theme").is_some());
    window.type_text("light");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(!window.shell().tokens.is_dark());
    let is_kept = |request: &ToLink| matches!(request, ToLink::Save(Saved::Settings(text)) if text.contains("theme = \"light\""));
    assert!(window.asked.iter().any(is_kept));
    window.type_text("x");
    assert_eq!(window.text(), "xone\n", "the text has the keys again");
}

#[test]
fn quick_open_goes_to_files_lines_and_symbols() {
    let text = "fn first() {}\n\nfn second() {}\n";
    let mut window = Window::with(&[("src/main.rs", text), ("src/other.rs", ""), ("plan.md", "")]);
    window.press(Modifiers::CTRL, Key::P);
    window.type_text("main");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(window.harness.query_by_role_and_label(Kind::MultilineTextInput, "src/main.rs").is_some());
    window.press(Modifiers::CTRL, Key::G);
    window.type_text("3");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(window.has("Line 3, column 1"));
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::O);
    window.type_text("first");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(window.has_words("Line 1, column"));
    window.press(Modifiers::CTRL, Key::P);
    window.press(Modifiers::NONE, Key::Escape);
    assert!(window.shell().state.overlay.is_none());
}

#[test]
fn the_find_bar_counts_goes_on_and_replaces() {
    let mut window = Window::showing("plan.md", "one two one\none\n");
    window.press(Modifiers::CTRL, Key::H);
    window.type_text("one");
    assert!(window.shell().state.find.matches().len() == 3);
    window.press(Modifiers::NONE, Key::F3);
    let find = &window.shell().state.find;
    assert_eq!(find.place_of(&(8..11)), (Some(2), 3, false));
    window.harness.get_by_role_and_label(Kind::TextInput, "Replace").focus();
    window.settle();
    window.type_text("1");
    window.click("All");
    assert_eq!(window.text(), "1 two 1\n1\n");
    assert!(window.has("Replaced 3 places"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shell().state.find.is_open());
}

#[test]
fn a_wrong_pattern_is_told_in_the_find_bar() {
    let mut window = Window::showing("plan.md", "one\n");
    window.press(Modifiers::CTRL, Key::F);
    window.type_text("(");
    window.click("Use regular expression");
    assert!(window.shell().state.find.error().is_some());
    assert!(window.has_words("unclosed group"));
}

#[test]
fn sharing_makes_a_ticket_and_lets_in_whoever_was_compared() {
    let mut window = Window::showing("plan.md", "one\n");
    window.click("Share…");
    window.click("Make a ticket");
    let asked = window.take_ask(|ask| matches!(ask, Ask::Share { .. }));
    assert!(matches!(asked, Some(Ask::Share { role: Role::Editor, uses: 1, .. })));
    let shared = serde_json::json!({ "ticket": "weftabc", "role": "editor", "expires": "2026-11-22T03:13:53Z",
        "uses": 1, "id": "i", "workspace": "w", "name": "Notes" });
    window.tell(FromLink::Share(Ok(Box::new(serde_json::from_value(shared).unwrap()))));
    assert!(window.harness.query_by_role_and_label(Kind::TextInput, "Ticket").is_some());
    assert!(window.has("Ticket as a QR code"));
    let list = serde_json::json!({ "invitations": [{ "id": "i", "role": "editor", "expires": "2026-11-22T03:13:53Z",
        "uses_left": 1, "waiting": [{ "user": "u1", "fingerprint": "fox tree", "name": "Ben" }], "workspace": "w" }] });
    window.click("Close share");
    window.tell(FromLink::Invitations(Ok(serde_json::from_value(list).unwrap())));
    assert!(window.has("Ben waits to be let in"), "whatever is shown");
    window.click("Share…");
    assert!(window.has("fox tree"));
    window.click("Let in");
    assert!(
        matches!(window.take_ask(|ask| matches!(ask, Ask::Confirm(_))), Some(Ask::Confirm(id)) if id == "u1")
    );
}

#[test]
fn members_are_listed_and_put_out_only_after_a_second_question() {
    let mut window = Window::showing("plan.md", "one\n");
    window.click("Show members");
    let list = serde_json::json!({ "members": [
        { "user": "me", "name": "Ana", "role": "owner", "is_me": true, "devices": [] },
        { "user": "u1", "name": "Ben", "role": "editor", "devices": [
            { "device": "d1", "name": "tower", "last_contact": null, "has_all_mine": false, "missing": 4 }] }] });
    window.tell(FromLink::Members(Ok(serde_json::from_value(list).unwrap())));
    assert!(window.has("Ana (you)") && window.has("tower, not seen yet, lacks 4 of your edits"));
    window.click("Put out…");
    assert!(window.take_ask(|ask| matches!(ask, Ask::Revoke { .. })).is_none());
    window.click("Put out now");
    assert!(
        matches!(window.take_ask(|ask| matches!(ask, Ask::Revoke { .. })), Some(Ask::Revoke { who }) if who == "u1")
    );
}

#[test]
fn the_history_shows_moments_and_brings_one_back() {
    let mut window = Window::showing("plan.md", "new\n");
    window.click("Show history");
    assert!(window.take_ask(|ask| matches!(ask, Ask::History(path) if path == "plan.md")).is_some());
    let versions: Vec<serde_json::Value> = (0..2)
        .map(|number| {
            serde_json::json!({ "version": format!("v{number}"), "time": "2025-11-22T03:13:53Z", "user": "u1",
                "user_name": format!("Ben {number}"), "device": "d", "origin": "human", "inserted": 3, "deleted": 1 })
        })
        .collect();
    assert!(versions.len() as u64 <= HISTORY_MAX);
    let result = Ok(serde_json::from_value(serde_json::json!({ "versions": versions })).unwrap());
    window.tell(FromLink::History { path: "plan.md".to_owned(), result });
    window.click("Ben 1, 2025-11-22");
    assert!(
        matches!(window.take_ask(|ask| matches!(ask, Ask::Past { .. })), Some(Ask::Past { at, .. }) if at == "v1")
    );
    let past = serde_json::from_value(serde_json::json!({ "text": "old\n", "heads": [] })).unwrap();
    window.tell(FromLink::Past { path: "plan.md".to_owned(), at: "v1".to_owned(), result: Ok(past) });
    window.click("Restore this text");
    assert!(
        matches!(window.take_ask(|ask| matches!(ask, Ask::Restore { .. })), Some(Ask::Restore { at, .. }) if at == "v1")
    );
}

#[test]
fn a_search_in_the_folder_shows_places_and_opens_them() {
    let mut window = Window::with(&[("a.md", "x\nneedle\n")]);
    window.press(Modifiers::CTRL | Modifiers::SHIFT, Key::F);
    window.type_text("needle");
    window.press(Modifiers::NONE, Key::Enter);
    let number = window.asked.iter().find_map(|request| match request {
        ToLink::SearchFolder { query, number } if query.text == "needle" => Some(*number),
        _ => None,
    });
    let found = crate::link::FolderMatch {
        path: "a.md".to_owned(),
        line: 1,
        column: 0,
        text: "needle".to_owned(),
        range: 0..6,
        ..Default::default()
    };
    let number = number.expect("a search");
    window.tell(FromLink::Found { number, matches: vec![found.clone()] });
    assert!(window.has("Searching … 1 place so far"));
    let all = crate::link::FoundAll { matches: vec![found], ..Default::default() };
    window.tell(FromLink::FoundAll { number, result: Ok(all) });
    assert!(window.has("1 place in 1 file"));
    window.click("a.md, 1 place");
    assert!(!window.has("a.md, line 2: needle"), "folded away");
    window.click("a.md, 1 place");
    window.click("a.md, line 2: needle");
    assert!(window.has("Line 2, column 1"));
}

#[test]
fn splits_show_one_text_twice_and_both_follow() {
    let mut window = Window::showing("plan.md", "one\n");
    window.click("Split right");
    let editors = window.harness.query_all_by_role_and_label(Kind::MultilineTextInput, "plan.md").count();
    assert_eq!(editors, 2);
    window.type_text("x");
    let folder = window.shell().state.folder.as_ref().unwrap();
    assert_eq!(folder.layout.order().len(), 2);
    assert_eq!(window.text(), "xone\n");
    window.press(Modifiers::CTRL, Key::W);
    let editors = window.harness.query_all_by_role_and_label(Kind::MultilineTextInput, "plan.md").count();
    assert_eq!(editors, 1);
}

#[test]
fn a_file_that_cannot_be_opened_has_a_page_and_is_tried_again() {
    let mut window = Window::with(&[("plan.md", "one\n")]);
    window.files.clear();
    window.click("plan.md");
    assert!(window.has("This file cannot be edited here") && window.has("There is no such file"));
    window.files.insert("plan.md".to_owned(), "back\n".to_owned());
    window.click("Try again");
    assert_eq!(window.text(), "back\n");
}

#[test]
fn without_a_node_the_window_says_so_and_goes_on_when_there_is_one() {
    let mut window = Window::showing("plan.md", "one\n");
    window.tell(FromLink::NotConnected(ApiError::busy("the data folder is busy").hint("wait")));
    assert!(window.has_words("There is no node to talk to: the data folder is busy"));
    window.type_text("x");
    window.files.insert("plan.md".to_owned(), "xone\n".to_owned());
    window.tell(FromLink::Connected { is_own: true });
    assert!(!window.has_words("There is no node"));
    assert_eq!(window.text(), "xone\n");
}

#[test]
fn wrong_settings_are_told_with_their_place_and_the_rest_counts() {
    let mut window = Window::showing("plan.md", "one\n");
    let settings = "[editor]\ntab_size = 900\nline_numbers = false\ncaret_blink = false\n".to_owned();
    window.tell(FromLink::SettingsRead { settings, keys: String::new() });
    assert!(window.has_words("settings.toml, line 2"));
    assert!(!window.shell().state.settings.is_on("editor.line_numbers"));
    window.click("Show settings");
    assert_eq!(window.shell().state.pages.open, Some(Page::Settings));
}

#[test]
fn text_of_an_input_method_is_written_when_it_is_chosen() {
    let mut window = Window::showing("plan.md", "one\n");
    let preedit = eframe::egui::ImeEvent::Preedit { text: "o".to_owned(), active_range_chars: None };
    window.harness.event(Event::Ime(preedit));
    window.harness.step();
    assert_eq!(window.text(), "one\n");
    window.harness.event(Event::Ime(eframe::egui::ImeEvent::Commit("ok".to_owned())));
    window.settle();
    assert_eq!(window.text(), "okone\n");
}

#[test]
fn the_clipboard_copies_lines_and_pastes_text() {
    let mut window = Window::showing("plan.md", "one\ntwo\n");
    window.harness.event(Event::Copy);
    window.settle();
    assert_eq!(window.shell().state.clip.as_ref().unwrap().text, "one\n");
    window.harness.event(Event::Paste("one\n".to_owned()));
    window.settle();
    assert_eq!(window.text(), "one\none\ntwo\n");
}

#[test]
fn a_long_file_keeps_only_the_rows_near_the_screen() {
    let text: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let mut window = Window::showing("long.txt", &text);
    for _ in 0..60 {
        window.press(Modifiers::NONE, Key::PageDown);
    }
    let shell = window.harness.state();
    let (_, editor) = shell.editors.iter().next().unwrap();
    assert!(editor.kept_rows() <= KEPT_ROWS_MAX, "{}", editor.kept_rows());
    let (document, view) = shell.state.folder.as_ref().unwrap().active().unwrap();
    assert!(document.top_row(view) > 1_000.0);
}

#[test]
fn a_flood_of_news_is_spread_over_frames() {
    let mut window = Window::with(&[("a.md", "")]);
    let name = |number: usize| FromLink::Listed(vec![number.to_string()]);
    for number in 0..=NEWS_PER_FRAME_MAX {
        window.far.news.offer(name(number));
    }
    window.harness.step();
    let names = |window: &Window| window.shell().state.folder.as_ref().unwrap().names[0].clone();
    assert_eq!(names(&window), (NEWS_PER_FRAME_MAX - 1).to_string());
    window.harness.step();
    assert_eq!(names(&window), NEWS_PER_FRAME_MAX.to_string());
}

#[test]
fn what_was_open_is_kept_and_comes_back() {
    let mut window = Window::with(&[("a.md", ""), ("b.md", "")]);
    window.click("a.md");
    window.press(Modifiers::CTRL, Key::K);
    window.press(Modifiers::NONE, Key::Enter);
    window.harness.run_steps(2);
    window.settle();
    let saved = window.asked.iter().rev().find_map(|request| match request {
        ToLink::Save(Saved::State(text)) => Some(SavedState::read(text)),
        _ => None,
    });
    let saved = saved.expect("a saved state");
    assert_eq!(saved.folder.as_deref(), Some(Path::new(ROOT)));
    let layout = weft_editor::window::Layout::load(&saved.layout).unwrap();
    assert_eq!(layout.active().map(|tab| tab.path.as_str()), Some("a.md"));
}
