//! The story: share, join, edit together, be cut off, meet again, rename under each other's hands.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use weft_tests::{Device, DeviceError, Failure, Files, Snapshot, eventually};

use super::{
    report::{Report, bytes, count, took},
    sources::{self, Sources},
};

/// How long the two may take to be equal again.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many saves are timed.
const SAVES: usize = 20;
/// Between two saves; a file is written at most every 100 ms.
const PAUSE: Duration = Duration::from_millis(150);
const PLAN: &str = "plan.md";
const PLAN_TEXT: &str = "# Plan\n\n- write\n- test\n- ship\n";

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum DemoError {
    /// A folder or a process could not be used.
    #[error("the system refused")]
    Io(#[from] io::Error),
    /// A device could not be made.
    #[error("a device could not be made")]
    Device(#[from] DeviceError),
    /// A command failed.
    #[error("a command failed")]
    Command(#[from] Failure),
    /// Cargo has downloaded too little to make a real folder of.
    #[error(
        "cargo has unpacked only {found} files of dependencies; {wanted} are wanted (build once, then try again)"
    )]
    TooFewSources {
        /// How many there are.
        found: u64,
        /// How many there should be.
        wanted: u64,
    },
    /// The two did not become equal.
    #[error("the two folders did not become equal within {} s:\n{differences}", PATIENCE.as_secs())]
    Diverged {
        /// The first paths that differ.
        differences: String,
    },
    /// They are equal, but an edit is missing.
    #[error("an edit was lost: {path} does not hold {text:?} but\n{found}")]
    Lost {
        /// In which file.
        path: String,
        /// What should be there.
        text: String,
        /// What is there.
        found: String,
    },
}

/// Ana and Ben, each with a device and a copy of the folder.
struct Story<'a> {
    report: &'a Report,
    ana: Device,
    ben: Device,
    ana_files: Files,
    ben_files: Files,
}

/// Tells the whole story in `root`.
pub(super) fn tell(root: &Path, report: &Report) -> Result<(), DemoError> {
    let begin = Instant::now();
    report.title("Weft: two devices, one folder, no server");
    let ana = Device::new(root, "ana")?;
    let ben = Device::new(root, "ben")?;
    let ana_files = Files::new(ana.place.join("sources"))?;
    let ben_files = Files { root: ben.place.join("sources") };
    let mut story = Story { report, ana, ben, ana_files, ben_files };
    let sources = story.make_workspace()?;
    story.share_and_join()?;
    story.edit_together()?;
    story.time_saves()?;
    story.cut_off()?;
    story.rename_under_an_edit(&sources)?;
    story.show_the_end()?;
    report.line(&format!("All of it in {}.", took(begin.elapsed())));
    story.ana.stop_node()?;
    story.ben.stop_node()?;
    Ok(())
}

impl Story<'_> {
    fn make_workspace(&mut self) -> Result<Sources, DemoError> {
        self.report.chapter("Ana makes a workspace of a real folder");
        let sources = sources::gather(&self.ana_files.root)?;
        self.ana_files.write(PLAN, PLAN_TEXT)?;
        self.report.line(&format!(
            "{} files of this repository, {} of {} crates that cargo had downloaded, {}",
            count(sources.own_files),
            count(sources.dependency_files),
            sources.crates.len(),
            bytes(sources.bytes),
        ));
        let made = self.ana.weft(["init", "sources", "--name", "sources"])?;
        self.report.value("weft init", &took(made.took));
        let files = count(made.field("files").as_u64().unwrap_or_default());
        self.report.value("imported", &format!("{files} files"));
        self.report.value("in Ana's store", &bytes(size_of(&self.ana.home)));
        self.report.gap();
        Ok(sources)
    }

    fn share_and_join(&mut self) -> Result<(), DemoError> {
        self.report.chapter("Ben joins with a ticket");
        let ready = self.ana.start_node()?.ready_after;
        self.report.value("Ana's node is ready after", &took(ready));
        let ready = self.ben.start_node()?.ready_after;
        self.report.value("Ben's node is ready after", &took(ready));
        let shared = self.ana.weft(["share", "sources", "--yes"])?;
        let ticket = shared.text("ticket");
        self.report.value("the ticket", &format!("{}… ({} letters)", shorten(ticket, 20), ticket.len()));
        let joined = self.ben.weft_with_input(["join", "-", "sources", "--yes"], ticket)?;
        self.settle()?;
        let size = joined.field("bytes").as_u64().unwrap_or_default();
        self.report.value("weft join", &took(joined.took));
        let per_second = size as f64 / joined.took.as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive rate, for people"
        )]
        let per_second = bytes(per_second as u64);
        let files = count(joined.field("files").as_u64().unwrap_or_default());
        self.report.value("arrived", &format!("{files} files, {}, {per_second}/s", bytes(size)));
        for (name, device) in [("Ana", &self.ana), ("Ben", &self.ben)] {
            if let Some(peak) = device.node().and_then(weft_tests::NodeProcess::peak_memory) {
                self.report.value(&format!("peak memory of {name}'s node"), &bytes(peak));
            }
        }
        self.report.held("both folders are equal, byte for byte");
        self.report.gap();
        Ok(())
    }

    fn edit_together(&mut self) -> Result<(), DemoError> {
        self.report.chapter("Both edit the same files at the same time");
        let begin = Instant::now();
        let (ana, ben) = std::thread::scope(|scope| {
            let ana = scope.spawn(|| {
                self.ana.weft(["edit", "sources/plan.md", "--insert", "0", "<!-- Ana was here -->\n"])?;
                let readme = read(&self.ana_files, "weft/Cargo.toml");
                self.ana_files.write("weft/Cargo.toml", format!("# Ana, by saving the file\n{readme}"))?;
                Ok::<_, DemoError>(())
            });
            let ben = scope.spawn(|| {
                let plan = read(&self.ben_files, PLAN).replace("- ship\n", "- ship, with cake\n");
                self.ben_files.write(PLAN, plan)?;
                let end = read(&self.ben_files, "weft/Cargo.toml").chars().count().to_string();
                // Should Ana's line arrive meanwhile, this is a place in the middle, which is as good.
                self.ben.weft([
                    "edit",
                    "sources/weft/Cargo.toml",
                    "--insert",
                    &end,
                    "# Ben, with weft edit\n",
                ])?;
                Ok::<_, DemoError>(())
            });
            (ana.join(), ben.join())
        });
        ana.map_err(|_| io::Error::other("Ana's hands failed"))??;
        ben.map_err(|_| io::Error::other("Ben's hands failed"))??;
        self.settle()?;
        self.report.value("equal again after", &took(begin.elapsed()));
        self.must_hold(PLAN, "<!-- Ana was here -->\n")?;
        self.must_hold(PLAN, "- ship, with cake\n")?;
        self.must_hold("weft/Cargo.toml", "# Ana, by saving the file\n")?;
        self.must_hold("weft/Cargo.toml", "# Ben, with weft edit\n")?;
        self.report.held("plan.md: Ana's `weft edit` and Ben's save merged:");
        self.report.quote(&read(&self.ana_files, PLAN));
        self.report.held("weft/Cargo.toml: Ana's save and Ben's `weft edit` merged");
        self.report.gap();
        Ok(())
    }

    fn time_saves(&mut self) -> Result<(), DemoError> {
        self.report.chapter("From a save on one disk to the bytes on the other");
        let mut times = Vec::new();
        for number in 0..SAVES {
            std::thread::sleep(PAUSE);
            let line = format!("save {number}\n");
            let text = read(&self.ana_files, "saves.txt") + &line;
            let begin = Instant::now();
            self.ana_files.write("saves.txt", &text)?;
            let arrived = eventually(PATIENCE, || (read(&self.ben_files, "saves.txt") == text).then_some(()));
            if arrived.is_none() {
                return Err(self.divergence());
            }
            times.push(begin.elapsed());
        }
        times.sort();
        self.report.value(&format!("half of {SAVES} saves within"), &took(times[SAVES / 2]));
        self.report.value("the slowest", &took(times[SAVES - 1]));
        self.report.gap();
        Ok(())
    }

    fn cut_off(&mut self) -> Result<(), DemoError> {
        self.report.chapter("Ben's node is killed; both go on");
        if let Some(node) = self.ben.take_node() {
            node.kill()?;
        }
        let plan = read(&self.ana_files, PLAN).replace("- write\n", "- write (Ana: done!)\n");
        self.ana_files.write(PLAN, plan)?;
        self.ana_files.write("notes/ana.md", "Written while Ben was away.\n")?;
        let plan = read(&self.ben_files, PLAN).replace("- test\n", "- test (Ben, on the train)\n");
        self.ben_files.write(PLAN, plan)?;
        self.ben.weft(["edit", "sources/weft/Cargo.toml", "--insert", "0", "# Ben, without a node\n"])?;
        self.ben_files.write("notes/ben.md", "Written on the train.\n")?;
        self.report
            .line("Ana saves plan.md and a new file; Ben saves plan.md and a new file, and edits with");
        self.report.line("`weft edit`, which works without a node.");
        let begin = Instant::now();
        self.ben.start_node()?;
        self.settle()?;
        self.report.value("Ben's node starts; equal again after", &took(begin.elapsed()));
        self.must_hold(PLAN, "- write (Ana: done!)\n")?;
        self.must_hold(PLAN, "- test (Ben, on the train)\n")?;
        self.must_hold("weft/Cargo.toml", "# Ben, without a node\n")?;
        self.must_hold("notes/ana.md", "Ben was away")?;
        self.must_hold("notes/ben.md", "on the train")?;
        self.report.held("plan.md now:");
        self.report.quote(&read(&self.ben_files, PLAN));
        self.report.gap();
        Ok(())
    }

    fn rename_under_an_edit(&mut self, sources: &Sources) -> Result<(), DemoError> {
        self.report.chapter("Ana renames a folder while Ben edits inside it");
        let name = self.crate_with_library(sources);
        let (old, new) = (format!("vendor/{name}"), format!("vendor/{name}-renamed"));
        let inside = format!("{old}/src/lib.rs");
        let edited =
            format!("// Ben was editing while this folder was renamed.\n{}", read(&self.ben_files, &inside));
        // Frozen, Ben's node cannot learn of the rename before Ben has saved: the two happen at the same time.
        if let Some(node) = self.ben.node() {
            node.freeze()?;
        }
        let begin = Instant::now();
        self.ana_files.rename(&old, &new)?;
        self.ben_files.write(&inside, edited)?;
        if let Some(node) = self.ben.node() {
            node.thaw()?;
        }
        self.settle()?;
        self.report.value("equal again after", &took(begin.elapsed()));
        let moved = format!("{new}/src/lib.rs");
        self.must_hold(&moved, "// Ben was editing while this folder was renamed.\n")?;
        if self.ana_files.path(&old).exists() {
            return Err(DemoError::Lost {
                path: old,
                text: "nothing".to_owned(),
                found: "the old folder".to_owned(),
            });
        }
        self.report.held(&format!("{name}: the folder has its new name, and Ben's edit is in it"));
        self.report.gap();
        Ok(())
    }

    fn crate_with_library(&self, sources: &Sources) -> String {
        let has_library =
            |name: &&String| self.ben_files.path(&format!("vendor/{name}/src/lib.rs")).is_file();
        sources.crates.iter().find(has_library).cloned().unwrap_or_default()
    }

    fn show_the_end(&self) -> Result<(), DemoError> {
        self.report.chapter("Who has what");
        for (name, device) in [("Ana", &self.ana), ("Ben", &self.ben)] {
            self.report.line(&format!("{name}: weft status"));
            self.report.quote(&device.shown(["status", "sources"])?);
        }
        let (tree, heads) = self.ana.digest(&self.ana_files.root)?;
        for (name, device, files) in
            [("Ana", &self.ana, &self.ana_files), ("Ben", &self.ben, &self.ben_files)]
        {
            let (tree, heads) = device.digest(&files.root)?;
            let value = format!("tree {}… heads {}…", shorten(&tree, 16), shorten(&heads, 16));
            self.report.value(&format!("{name}: weft digest"), &value);
            self.report.value(&format!("{name}: store"), &bytes(size_of(&device.home)));
        }
        if (tree, heads) != self.ben.digest(&self.ben_files.root)? {
            return Err(self.divergence());
        }
        self.report.held("the digests are equal, and so is every byte of both folders");
        self.report.gap();
        Ok(())
    }

    /// Waits until both say that they have everything, and their folders and digests are equal.
    fn settle(&self) -> Result<(), DemoError> {
        self.ana.wait_synced(&self.ana_files.root, 1, PATIENCE)?;
        let equal = eventually(PATIENCE, || {
            let (ana, ben) = self.snapshots()?;
            (ana == ben && self.digests_are_equal()).then_some(())
        });
        equal.map(drop).ok_or_else(|| self.divergence())
    }

    fn snapshots(&self) -> Option<(Snapshot, Snapshot)> {
        Some((self.ana_files.snapshot().ok()?, self.ben_files.snapshot().ok()?))
    }

    fn digests_are_equal(&self) -> bool {
        let digests = (self.ana.digest(&self.ana_files.root), self.ben.digest(&self.ben_files.root));
        matches!(digests, (Ok(ana), Ok(ben)) if ana == ben)
    }

    fn divergence(&self) -> DemoError {
        let (ana, ben) = self.snapshots().unwrap_or_default();
        let paths: BTreeSet<&String> = ana.keys().chain(ben.keys()).collect();
        let different = paths.into_iter().filter(|path| ana.get(*path) != ben.get(*path));
        let mut lines: Vec<String> = different
            .take(10)
            .map(|path| {
                let state = |files: &Snapshot| {
                    files
                        .get(path)
                        .map_or_else(|| "nothing".to_owned(), |content| bytes(content.len() as u64))
                };
                format!("  {path}: Ana has {}, Ben has {}", state(&ana), state(&ben))
            })
            .collect();
        if lines.is_empty() {
            lines.push("  the folders are equal, the digests are not".to_owned());
        }
        DemoError::Diverged { differences: lines.join("\n") }
    }

    fn must_hold(&self, path: &str, text: &str) -> Result<(), DemoError> {
        for files in [&self.ana_files, &self.ben_files] {
            let found = read(files, path);
            if !found.contains(text) {
                let found = shorten(&found, 400).to_owned();
                return Err(DemoError::Lost { path: path.to_owned(), text: text.to_owned(), found });
            }
        }
        Ok(())
    }
}

fn read(files: &Files, path: &str) -> String {
    files.read(path).unwrap_or_default()
}

fn shorten(text: &str, letters: usize) -> &str {
    text.char_indices().nth(letters).map_or(text, |(end, _)| &text[..end])
}

/// The size of everything below a folder.
fn size_of(folder: &Path) -> u64 {
    let mut size = 0;
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => size += metadata.len(),
                Err(_) => {}
            }
        }
    }
    size
}
