//! Files that are changed or taken away under the editor and files that are no ordinary text, in a real folder with a
//! real node.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use weft_editor::{
    AppCommand, EditorCommand,
    window::{Entry, LocalReason},
};
use weft_node::api::{KeyChoice, NetworkOptions, NodeOptions};

use super::*;
use crate::action::{Action, Actions};

const PATIENCE: Duration = Duration::from_secs(60);

/// A window without a display, with a node of its own.
pub(super) struct Real {
    pub(super) harness: Harness<'static, Shell>,
    pub(super) folder: PathBuf,
    pub(super) root: tempfile::TempDir,
}

impl Real {
    /// Makes a folder of these files a workspace and shows it.
    pub(super) fn new(files: &[(&str, &[u8])]) -> Self {
        let mut real = Self::plain(files);
        real.harness.get_by_label("Make it a workspace").click();
        real.until("the workspace", |real| {
            real.folder_state().is_some_and(|folder| folder.workspace.value().is_some())
        });
        real
    }

    /// Shows a folder of these files, which is no workspace.
    pub(super) fn plain(files: &[(&str, &[u8])]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("notes");
        fs::create_dir_all(&folder).unwrap();
        for (path, bytes) in files {
            fs::write(folder.join(path), bytes).unwrap();
        }
        let mut real = Self::again(root);
        real.until("a folder that nobody shares", |real| {
            real.harness.query_by_label("Make it a workspace").is_some()
        });
        real
    }

    /// Shows the folder of a window that has ended, with a new node.
    pub(super) fn again(root: tempfile::TempDir) -> Self {
        let (home, folder) = (root.path().join("home"), root.path().join("notes"));
        let network = NetworkOptions {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            lan: false,
            ..NetworkOptions::default()
        };
        let options = NodeOptions {
            home: home.clone(),
            key: KeyChoice::File,
            passphrase: None,
            network: Some(network),
        };
        let link = Link::start(options, home.join("window.toml"), Arc::new(|| {})).unwrap();
        let shell = Shell::new(link, &home, &SavedState::default(), Some(folder.clone()));
        let harness = Harness::builder()
            .with_size(Vec2::new(1_100.0, 700.0))
            .with_context_setup(|ctx| ctx.set_fonts(tokens::fonts()))
            .build_ui_state(|ui, shell: &mut Shell| shell.frame(ui), shell);
        Self { harness, folder, root }
    }

    #[track_caller]
    pub(super) fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.harness.step();
            if holds(self) {
                return;
            }
            assert!(Instant::now() < deadline, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Clicks on what has a label, once it stands still: answers that come in between may move it away from the pointer.
    #[track_caller]
    pub(super) fn click(&mut self, label: &str) {
        let mut last = None;
        self.until(label, |real| {
            let rect = real.harness.query_by_label(label).map(|node| node.rect());
            let stands = rect.is_some() && rect == last;
            last = rect;
            stands
        });
        self.harness.get_by_label(label).click();
        self.harness.step();
    }

    pub(super) fn folder_state(&self) -> Option<&crate::state::Folder> {
        self.harness.state().state.folder.as_ref()
    }

    /// Opens a file and waits until it is there.
    #[track_caller]
    pub(super) fn open(&mut self, path: &str) {
        self.harness.state_mut().open_file(path, false, None);
        self.until(path, |real| real.text().is_some());
        self.until("the keys go to the text", |real| {
            real.harness.ctx.memory(|memory| memory.focused()).is_some()
        });
    }

    pub(super) fn text(&self) -> Option<String> {
        Some(self.folder_state()?.active()?.0.buffer().rope().to_string())
    }

    fn local(&self) -> Option<LocalReason> {
        self.folder_state()?.local()
    }

    pub(super) fn has_words(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    pub(super) fn run(&mut self, command: weft_editor::Command) {
        let ctx = self.harness.ctx.clone();
        let mut actions = Actions::default();
        actions.push(Action::Run(command));
        self.harness.state_mut().perform(&ctx, &mut actions);
        self.harness.step();
    }

    pub(super) fn type_text(&mut self, text: &str) {
        self.harness.event(Event::Text(text.to_owned()));
        self.harness.step();
    }

    fn on_disk(&self, path: &str) -> Vec<u8> {
        fs::read(self.folder.join(path)).unwrap_or_default()
    }

    /// Ends as the window does when it is closed; the files stay as long as what it gives.
    pub(super) fn end(mut self) -> tempfile::TempDir {
        self.harness.state_mut().finish();
        self.root
    }
}

#[test]
fn what_two_programs_write_in_a_file_that_is_not_shared_is_put_together() {
    let mut real = Real::new(&[(".gitignore", b"notes.txt\n"), ("notes.txt", b"one\ntwo\nthree\n")]);
    real.open("notes.txt");
    real.until("a file that is not shared", |real| real.local() == Some(LocalReason::NotShared));
    real.type_text("mine ");
    fs::write(real.folder.join("notes.txt"), "one\ntwo\nthree\nfour\n").unwrap();
    let both = "mine one\ntwo\nthree\nfour\n";
    real.until("both on the disk", |real| real.on_disk("notes.txt") == both.as_bytes());
    real.until("both in the window", |real| real.text().as_deref() == Some(both));
    // The folder may be let go of at any time: nothing is left unsaved.
    real.type_text("last ");
    let place = real.folder.join("notes.txt");
    let root = real.end();
    assert_eq!(fs::read_to_string(place).unwrap(), "mine last one\ntwo\nthree\nfour\n");
    drop(root);
}

#[test]
fn a_folder_that_is_no_workspace_can_be_written_in() {
    let mut real = Real::plain(&[("a.txt", b"one\n"), ("b.txt", b"two\n")]);
    real.open("a.txt");
    real.until("a file", |real| real.local() == Some(LocalReason::NotShared));
    real.type_text("my ");
    real.open("b.txt");
    real.until("the text on the disk", |real| real.on_disk("a.txt") == b"my one\n");
    real.end();
}

#[test]
fn files_that_cannot_be_written_together_are_shown_and_say_why() {
    let large = "a line of a long log\n".repeat(120_000);
    let mut real = Real::new(&[
        (".gitignore", b"skipped.txt\nhuge.txt\n"),
        ("plan.md", b"# Plan\n"),
        ("large.log", large.as_bytes()),
        ("latin.txt", b"one\ncaf\xe9\n"),
        ("skipped.txt", b"not shared\n"),
        ("data.bin", b"\x7fELF\0\0\0"),
    ]);
    // Two gigabytes of holes.
    fs::File::create(real.folder.join("huge.txt")).unwrap().set_len(2 << 30).unwrap();
    real.open("latin.txt");
    assert_eq!(real.local(), Some(LocalReason::NotUtf8 { byte: 7 }));
    let before = real.text().unwrap();
    assert_eq!(before, "one\ncaf\u{fffd}\n");
    assert!(real.has_words("Read only"));
    real.type_text("x");
    real.run(weft_editor::Command::Editor(EditorCommand::DeleteLines));
    let (_, title, _) = crate::state::local_words(LocalReason::NotUtf8 { byte: 7 });
    assert!(real.has_words(title));
    assert_eq!(real.text().unwrap(), before);
    assert_eq!(real.on_disk("latin.txt"), b"one\ncaf\xe9\n");
    for (path, reason, word) in [
        ("large.log", LocalReason::TooLarge, "Not live"),
        ("skipped.txt", LocalReason::NotShared, "Not shared"),
    ] {
        real.open(path);
        real.until(path, |real| real.local() == Some(reason));
        assert!(real.has_words(word), "{path}");
        let bytes = real.on_disk(path);
        real.type_text("mine: ");
        real.run(weft_editor::Command::App(AppCommand::Save));
        let wanted = [b"mine: ", &*bytes].concat();
        real.until("the text on the disk", |real| real.on_disk(path) == wanted);
        real.run(weft_editor::Command::Editor(EditorCommand::Undo));
        // Without a word it is saved in a moment.
        real.until("the text as it was", |real| real.on_disk(path) == bytes);
    }
    for (path, why) in [("data.bin", "no text"), ("huge.txt", "2147 MB")] {
        real.harness.state_mut().open_file(path, false, None);
        real.until(why, |real| real.has_words(why));
        assert!(real.has_words("This file cannot be edited here"), "{path}");
    }
    // What another program does with it is seen, and put together with what was typed.
    real.open("skipped.txt");
    fs::write(real.folder.join("skipped.txt"), "another text\n").unwrap();
    real.until("the other text", |real| real.text().as_deref() == Some("another text\n"));
    // And as soon as it is shared it can be written.
    fs::write(real.folder.join(".gitignore"), "huge.txt\n").unwrap();
    real.until("a file that is shared", |real| real.local().is_none() && real.text().is_some());
    real.type_text("my ");
    real.until("what was typed on the disk", |real| real.on_disk("skipped.txt") == b"my another text\n");
    real.end();
}

#[test]
fn a_file_that_is_changed_or_taken_away_on_the_disk_keeps_what_was_typed() {
    let mut real = Real::new(&[("plan.md", b"one\ntwo\n")]);
    real.open("plan.md");
    real.type_text("my ");
    real.until("what was typed", |real| real.on_disk("plan.md") == b"my one\ntwo\n");
    fs::write(real.folder.join("plan.md"), "my one\ntwo\nthree\n").unwrap();
    real.until("the other program's line", |real| real.text().as_deref() == Some("my one\ntwo\nthree\n"));
    // Undo takes back what was typed here and leaves the other program's line.
    real.run(weft_editor::Command::Editor(EditorCommand::Undo));
    real.run(weft_editor::Command::Editor(EditorCommand::Undo));
    real.until("undo", |real| real.on_disk("plan.md") == b"one\ntwo\nthree\n");
    // It goes, and what is typed meanwhile is kept until it is there again.
    fs::remove_file(real.folder.join("plan.md")).unwrap();
    real.until("the file gone from the tree", |real| {
        real.folder_state().is_some_and(|folder| !folder.names.iter().any(|name| name == "plan.md"))
    });
    real.type_text("late ");
    assert_eq!(real.text().as_deref(), Some("late one\ntwo\nthree\n"));
    real.until("a word about it", |real| real.has_words("plan.md"));
    fs::write(real.folder.join("plan.md"), "one\ntwo\nthree\nfour\n").unwrap();
    real.until("both texts", |real| {
        let disk = String::from_utf8(real.on_disk("plan.md")).unwrap();
        let text = real.text().unwrap();
        disk == text && text.contains("late ") && text.contains("four")
    });
    real.end();
}

#[test]
fn mixed_line_ends_stay_and_a_write_protected_file_is_written_or_told() {
    let mut real = Real::new(&[("mixed.txt", b"a\r\nb\nc\r\n"), ("shut.txt", b"one\n")]);
    let shut = real.folder.join("shut.txt");
    let mut rights = fs::metadata(&shut).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&shut, rights.clone()).unwrap();
    real.open("mixed.txt");
    real.type_text("x");
    real.until("the edit alone", |real| real.on_disk("mixed.txt") == b"xa\r\nb\nc\r\n");
    real.run(weft_editor::Command::Editor(EditorCommand::NewLine));
    real.until("a line end like most", |real| real.on_disk("mixed.txt") == b"x\r\na\r\nb\nc\r\n");
    real.open("shut.txt");
    real.type_text("my ");
    let is_told = |real: &Real| {
        let status = real.folder_state().and_then(|folder| folder.workspace.value());
        status.is_some_and(|status| status.pending.iter().any(|pending| pending.path == "shut.txt"))
    };
    real.until("the text on the disk, or a word", |real| {
        real.on_disk("shut.txt") == b"my one\n" || is_told(real)
    });
    assert_eq!(
        real.text().as_deref(),
        Some("my one\n"),
        "what was typed is in the text whatever the disk does"
    );
    real.end();
}

#[test]
fn a_folder_of_a_hundred_thousand_files_is_shown_by_its_visible_rows() {
    let mut window = Window::with(&[]);
    let entries: Vec<Entry> = (0..100_001)
        .map(|number| Entry { name: format!("file-{number:06}.txt"), is_folder: false })
        .collect();
    window.tell(FromLink::FolderRead { path: String::new(), result: Ok(entries) });
    assert!(window.has("file-000000.txt"));
    assert!(!window.has("file-050000.txt"), "only what can be seen is drawn");
    let names: Vec<String> = (0..100_001).map(|number| format!("file-{number:06}.txt")).collect();
    window.press(Modifiers::CTRL, Key::P);
    // Not told as news: the node that is pretended knows none of these files.
    window.harness.state_mut().state.folder.as_mut().unwrap().names = names;
    window.harness.event(Event::Text("099999".to_owned()));
    window.harness.run_steps(60);
    window.press(Modifiers::NONE, Key::Enter);
    let folder = window.shell().state.folder.as_ref().unwrap();
    assert_eq!(folder.active_path(), Some("file-099999.txt"), "quick open finds it");
}
