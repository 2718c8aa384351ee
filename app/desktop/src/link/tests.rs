//! The queues at their limits, and two windows' ways to two real nodes.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use weft_editor::{Document, ViewId};
use weft_node::api::{ClientEdit, KeyChoice, NetworkOptions, NodeOptions, Role};

use super::{Ask, FromLink, Link, LinkError, ToLink};
use crate::limits::{NEWS_MAX, REQUESTS_MAX};

const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn beyond_the_limit_a_request_is_refused() {
    let (link, far) = Link::pair();
    for _ in 0..REQUESTS_MAX {
        link.ask(ToLink::ListFiles).unwrap();
    }
    assert_eq!(link.ask(ToLink::ListFiles), Err(LinkError::Full));
    drop(far);
    assert_eq!(link.ask(ToLink::ListFiles), Err(LinkError::Ended));
}

#[test]
fn news_beyond_the_limit_are_dropped_and_the_window_is_told_once() {
    let (mut link, far) = Link::pair();
    for _ in 0..NEWS_MAX {
        far.news.offer(FromLink::Listed(Vec::new()));
    }
    assert!(!link.take_lost());
    far.news.offer(FromLink::Listed(Vec::new()));
    assert!(link.take_lost());
    assert!(!link.take_lost());
    assert_eq!(std::iter::from_fn(|| link.take()).count(), NEWS_MAX);
}

/// A window without a picture: the way to a node, and one document.
struct Side {
    link: Link,
    document: Option<(Document, ViewId)>,
    number: u64,
    last: Vec<FromLink>,
}

impl Side {
    fn start(home: &Path) -> Self {
        let network = NetworkOptions {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            lan: false,
            ..NetworkOptions::default()
        };
        let options = NodeOptions {
            home: home.to_owned(),
            key: KeyChoice::File,
            passphrase: None,
            network: Some(network),
        };
        let link = Link::start(options, home.join("window.toml"), Arc::new(|| {})).unwrap();
        Self { link, document: None, number: 0, last: Vec::new() }
    }

    fn ask(&self, request: ToLink) {
        self.link.ask(request).unwrap();
    }

    /// Takes what has come and sends what was typed.
    fn turn(&mut self) {
        while let Some(news) = self.link.take() {
            match news {
                FromLink::Opened { result, .. } => {
                    let (number, text, revision) = result.unwrap();
                    self.number = number;
                    let mut document = Document::new(&text, revision);
                    let view = document.add_view();
                    self.document = Some((document, view));
                }
                FromLink::Edited { result, .. } => {
                    let revision = result.unwrap();
                    self.document.as_mut().unwrap().0.acknowledged(revision);
                }
                FromLink::Changed(changed) if changed.document == self.number => {
                    let patches: Vec<weft_editor::Patch> = changed
                        .edits
                        .iter()
                        .map(|edit| weft_editor::Patch {
                            at: (edit.at as usize).into(),
                            delete: edit.delete as usize,
                            insert: edit.insert.clone(),
                        })
                        .collect();
                    self.document.as_mut().unwrap().0.changed(changed.revision, &patches).unwrap();
                }
                other => self.last.push(other),
            }
        }
        self.send();
    }

    fn send(&mut self) {
        let Some((document, _)) = &mut self.document else { return };
        let Some(outgoing) = document.outgoing() else { return };
        let edits = outgoing.edits.into_iter().map(|edit| ClientEdit {
            at: edit.at.0 as u64,
            delete: edit.delete as u64,
            insert: edit.insert,
        });
        let (document, revision) = (self.number, outgoing.revision);
        let (path, edits) = (String::new(), edits.collect());
        self.ask(ToLink::EditDocument { path, document, revision, edits, model: None });
    }

    fn text(&self) -> String {
        self.document.as_ref().map(|(document, _)| document.buffer().rope().to_string()).unwrap_or_default()
    }

    fn is_behind(&self) -> bool {
        self.document.as_ref().is_some_and(|(document, _)| document.is_behind())
    }

    fn type_text(&mut self, text: &str) {
        let (document, view) = self.document.as_mut().unwrap();
        document.type_text(*view, text);
        self.send();
    }

    /// Waits for news that `picks` takes something of; others are forgotten.
    fn wait<T>(&mut self, other: &mut Option<&mut Side>, mut picks: impl FnMut(FromLink) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.turn();
            if let Some(other) = other {
                other.turn();
            }
            let taken: Vec<FromLink> = self.last.drain(..).collect();
            if let Some(found) = taken.into_iter().find_map(&mut picks) {
                return found;
            }
            assert!(Instant::now() < deadline, "nothing came in time");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Makes a workspace at one side and lets the other one in.
fn joined(root: &Path) -> (Side, Side) {
    let (ana_folder, ben_folder) = (root.join("ana"), root.join("ben"));
    std::fs::create_dir_all(&ana_folder).unwrap();
    std::fs::write(ana_folder.join("plan.md"), "# Plan\n").unwrap();
    let (mut ana, mut ben) = (Side::start(&root.join("home-a")), Side::start(&root.join("home-b")));
    ana.ask(ToLink::OpenFolder(ana_folder));
    ana.ask(ToLink::Ask(Ask::Init));
    ana.wait(&mut None, |news| if let FromLink::Init(result) = news { Some(result.unwrap()) } else { None });
    ana.ask(ToLink::Ask(Ask::Share { role: Role::Editor, expires_seconds: 3_600.0, uses: 1 }));
    let shared =
        ana.wait(
            &mut None,
            |news| if let FromLink::Share(result) = news { Some(result.unwrap()) } else { None },
        );
    let (ticket, folder) = (shared.ticket, ben_folder.clone());
    let existing = weft_node::api::Existing::KeepBoth;
    ben.ask(ToLink::Ask(Ask::Join { ticket, folder, existing }));
    // Ana lets in whoever comes.
    let deadline = Instant::now() + PATIENCE;
    let newcomer = loop {
        ana.ask(ToLink::Ask(Ask::Invitations));
        let list = ana.wait(&mut Some(&mut ben), |news| {
            if let FromLink::Invitations(result) = news { Some(result.unwrap()) } else { None }
        });
        if let Some(newcomer) = list.invitations.iter().flat_map(|invitation| &invitation.waiting).next() {
            break newcomer.user.clone();
        }
        assert!(Instant::now() < deadline, "nobody came");
        std::thread::sleep(Duration::from_millis(50));
    };
    ana.ask(ToLink::Ask(Ask::Confirm(newcomer)));
    ben.wait(&mut Some(&mut ana), |news| {
        if let FromLink::Join(result) = news { Some(result.unwrap()) } else { None }
    });
    ben.ask(ToLink::OpenFolder(ben_folder));
    (ana, ben)
}

#[test]
fn two_windows_write_one_text_and_end_with_the_same() {
    let root = tempfile::tempdir().unwrap();
    let (mut ana, mut ben) = joined(root.path());
    let plan = || ToLink::OpenDocument { path: "plan.md".to_owned(), replaces: None, seen: None };
    ana.ask(plan());
    ben.ask(plan());
    let deadline = Instant::now() + PATIENCE;
    while ana.document.is_none() || ben.document.is_none() {
        ana.turn();
        ben.turn();
        assert!(Instant::now() < deadline, "the file was not opened");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Both write at once, without waiting for each other, at the start of the same text.
    for number in 0..40 {
        ana.type_text(&format!("a{number} "));
        ben.type_text(&format!("b{number} "));
        ana.turn();
        ben.turn();
    }
    let is_complete = |side: &Side| {
        let text = side.text();
        (0..40).all(|number| text.contains(&format!("a{number} ")) && text.contains(&format!("b{number} ")))
    };
    while !(is_complete(&ana)
        && is_complete(&ben)
        && !ana.is_behind()
        && !ben.is_behind()
        && ana.text() == ben.text())
    {
        ana.turn();
        ben.turn();
        assert!(Instant::now() < deadline, "they differ:\n{}\n{}", ana.text(), ben.text());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(ana.text().ends_with("# Plan\n"));
    // What Ana takes back is hers alone.
    let (document, view) = ana.document.as_mut().unwrap();
    assert!(document.undo(*view));
    while ana.text() != ben.text() || ana.is_behind() || ben.text().contains("a39 ") {
        ana.turn();
        ben.turn();
        assert!(Instant::now() < deadline, "they differ:\n{}\n{}", ana.text(), ben.text());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!((0..40).all(|number| ana.text().contains(&format!("b{number} "))));
}

#[test]
fn what_is_kept_before_there_is_a_node_does_not_stand_in_its_way() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().join("home");
    let mut side = Side::start(&home);
    side.ask(ToLink::Save(super::Saved::State("zoom = 1.0\n".to_owned())));
    let is_own = side.wait(&mut None, |news| match news {
        FromLink::Connected { is_own } => Some(is_own),
        FromLink::NotConnected(error) => panic!("{error:?}"),
        _ => None,
    });
    assert!(is_own);
    let deadline = Instant::now() + PATIENCE;
    while !home.join("window.toml").exists() {
        assert!(Instant::now() < deadline, "it was not kept");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn without_a_workspace_the_window_is_told_so() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("plain");
    std::fs::create_dir_all(&folder).unwrap();
    let mut side = Side::start(&root.path().join("home"));
    side.ask(ToLink::OpenFolder(folder));
    let error = side.wait(&mut None, |news| {
        if let FromLink::Status(result) = news { Some(result.unwrap_err()) } else { None }
    });
    assert_eq!(error.kind, weft_node::api::ErrorKind::NotFound);
    side.ask(ToLink::OpenFolder(root.path().join("nowhere")));
    let found = side
        .wait(&mut None, |news| if let FromLink::FolderFound(result) = news { Some(result) } else { None });
    assert!(found.unwrap_err().contains("cannot be opened"));
}
