//! Two people who share one folder, with a node each.

use std::{fmt::Write as _, time::Duration};

use tempfile::TempDir;

use crate::{
    device::Device,
    files::{Files, Snapshot},
    waiting::eventually,
};

/// How long two nodes may take to agree before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often two folders must have been found equal, one look after the other, to count as at rest.
const CALM_LOOKS: u32 = 15;
const WORKSPACE: &str = "notes";
/// Files by which one tells how much the nodes have seen.
const MARKS: [&str; 2] = ["mark of Ana", "mark of Ben"];

/// One of the two.
#[derive(Debug)]
pub struct Person {
    /// Their machine.
    pub device: Device,
    /// Their copy of the folder.
    pub files: Files,
}

impl Person {
    /// The digests of the tree and of all texts, as this person's node gives them.
    pub fn digest(&self) -> Option<(String, String)> {
        self.device.digest(&self.files.root).ok()
    }

    /// What `weft status --json` says.
    ///
    /// # Panics
    /// When the command fails.
    pub fn status(&self) -> crate::Answer {
        self.device.weft(["status".as_ref(), self.files.root.as_os_str()]).expect("a status")
    }

    /// Ends the node cleanly.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        self.device.stop_node().expect("a node that ends");
    }

    /// Starts the node.
    ///
    /// # Panics
    /// When it is not ready in time.
    pub fn start(&mut self) {
        self.device.start_node().expect("a node");
    }

    /// Ends the node without warning.
    ///
    /// # Panics
    /// When none runs.
    pub fn kill(&mut self) {
        self.device.take_node().expect("a node").kill().expect("a kill");
    }

    /// Keeps the node from doing anything while `act` runs.
    ///
    /// # Panics
    /// When none runs.
    pub fn frozen<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        self.device.node().expect("a node").freeze().expect("a frozen node");
        let done = act(self);
        self.device.node().expect("a node").thaw().expect("a thawed node");
        done
    }
}

/// Ana, who made the workspace, and Ben, who joined it.
#[derive(Debug)]
pub struct Pair {
    /// Who made the workspace.
    pub ana: Person,
    /// Who joined it.
    pub ben: Person,
    marks: u32,
    root: TempDir,
}

impl Pair {
    /// A workspace with these files that both have, and two running nodes.
    ///
    /// # Panics
    /// When any step fails.
    #[must_use]
    pub fn with_files(files: &[(&str, &[u8])]) -> Self {
        let mut pair = Self::before_joining(files);
        pair.ben.start();
        pair.join(&[]);
        pair.settle();
        pair
    }

    /// A workspace of Ana's with these files and a running node; Ben has a device and an empty folder.
    ///
    /// # Panics
    /// When any step fails.
    #[must_use]
    pub fn before_joining(files: &[(&str, &[u8])]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let person = |name: &str| {
            let device = Device::new(root.path(), name).expect("a device");
            let files = Files::new(device.place.join(WORKSPACE)).expect("a folder");
            Person { device, files }
        };
        let (mut ana, ben) = (person("ana"), person("ben"));
        for (path, content) in files {
            ana.files.write(path, content).expect("a file");
        }
        ana.device.weft(["init", WORKSPACE, "--name", WORKSPACE]).expect("a workspace");
        ana.start();
        Self { ana, ben, marks: 0, root }
    }

    /// A ticket of Ana's.
    ///
    /// # Panics
    /// When she cannot make one.
    pub fn ticket(&self) -> String {
        let shared = self.ana.device.weft(["share", WORKSPACE, "--yes"]).expect("a ticket");
        shared.text("ticket").to_owned()
    }

    /// Lets Ben join; his node runs or not.
    ///
    /// # Panics
    /// When he cannot.
    pub fn join(&self, arguments: &[&str]) -> crate::Answer {
        let words = ["join", "-", WORKSPACE, "--yes", "--timeout", "30s"];
        let words = words.into_iter().chain(arguments.iter().copied());
        self.ben.device.weft_with_input(words, &self.ticket()).expect("a join")
    }

    /// Waits until both nodes have seen what was done before, and are equal in what they say and in what lies in
    /// their folders, and stay so.
    ///
    /// # Panics
    /// When that does not happen in time; with all that differs.
    #[track_caller]
    pub fn settle(&mut self) {
        self.leave_marks();
        let newest = self.marks.to_string().into_bytes();
        let mut calm = 0;
        let agreed = eventually(PATIENCE, || {
            let (ana, ben) = (self.ana.files.snapshot().ok()?, self.ben.files.snapshot().ok()?);
            let arrived = MARKS.iter().all(|mark| ana.get(*mark) == Some(&newest));
            calm = if arrived && ana == ben { calm + 1 } else { 0 };
            let is_calm = calm >= CALM_LOOKS && calm.is_multiple_of(CALM_LOOKS);
            (is_calm && self.ana.digest().is_some_and(|digest| Some(digest) == self.ben.digest()))
                .then_some(())
        });
        assert!(agreed.is_some(), "the two do not agree: {}", self.differences());
    }

    /// Saves of both, so that one can tell that what was done before them has been seen.
    fn leave_marks(&mut self) {
        self.marks += 1;
        for (person, name) in [&self.ana, &self.ben].into_iter().zip(MARKS) {
            person.files.write(name, self.marks.to_string()).expect("a mark");
        }
    }

    fn differences(&self) -> String {
        let mut told = format!("digests {:?} and {:?}\n", self.ana.digest(), self.ben.digest());
        let (ana, ben) =
            (self.ana.files.snapshot().unwrap_or_default(), self.ben.files.snapshot().unwrap_or_default());
        for (path, content) in &ana {
            if ben.get(path) != Some(content) {
                let _ = writeln!(
                    told,
                    "{path}: {} at Ana's, {} at Ben's",
                    shown(Some(content)),
                    shown(ben.get(path))
                );
            }
        }
        for (path, content) in ben.iter().filter(|(path, _)| !ana.contains_key(*path)) {
            let _ = writeln!(told, "{path}: nothing at Ana's, {} at Ben's", shown(Some(content)));
        }
        for person in [&self.ana, &self.ben] {
            let status = person.device.weft(["status".as_ref(), person.files.root.as_os_str()]);
            let _ = writeln!(told, "{:?}", status.map(|answer| answer.lines));
        }
        told
    }

    /// Everything in both folders but the marks.
    ///
    /// # Panics
    /// When the two differ.
    #[track_caller]
    pub fn both(&self) -> Snapshot {
        let read = |person: &Person| {
            let mut snapshot = person.files.snapshot().expect("a folder");
            snapshot.retain(|path, _| !MARKS.contains(&path.as_str()));
            snapshot
        };
        let (ana, ben) = (read(&self.ana), read(&self.ben));
        assert_eq!(ana, ben, "the folders differ");
        ana
    }

    /// A text that both have.
    ///
    /// # Panics
    /// When the two differ, or it is not there.
    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        let both = self.both();
        let content = both.get(path).unwrap_or_else(|| panic!("no {path} in {:?}", both.keys()));
        String::from_utf8_lossy(content).into_owned()
    }

    /// A place outside of both folders.
    #[must_use]
    pub fn elsewhere(&self) -> &std::path::Path {
        self.root.path()
    }
}

fn shown(content: Option<&Vec<u8>>) -> String {
    content.map_or_else(
        || "nothing".to_owned(),
        |bytes| {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]);
            format!("{} bytes {text:?}", bytes.len())
        },
    )
}
