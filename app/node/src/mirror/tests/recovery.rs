//! After a crash between any two steps.

use std::fs;
use std::io::Write;

use super::*;

const OLD: &str = "line one\nline two\n";
const NEW: &str = "line one\nline two\nline three\n";

/// A crash: the folder as some steps have left it, and what was stored before them.
struct Crash {
    bench: Bench,
    entry: JournalEntry,
}

impl Crash {
    /// A write of `NEW` over `path` is announced, and nothing of it is done.
    fn announced(path: &str, after: Option<&str>) -> Crash {
        let mut bench = Bench::with_files(&[("a", OLD), ("k", "keep\n")]);
        let path = Bench::path(path);
        let op = match after {
            Some(text) => {
                let (version, content) = (bench.contents.put(text.as_bytes()), Content::from_bytes(text));
                WriteOp::File { path, node: [7; 16], version, content, executable: false }
            }
            None => WriteOp::Remove { path, node: None },
        };
        let entry = bench.mirror.prepare(vec![op]).journal()[0].clone();
        Crash { bench, entry }
    }

    fn temporary(&self) -> std::path::PathBuf {
        self.bench.at(&self.entry.temporary)
    }

    /// Starts again with the rows from before and the journal; what is reported.
    fn restart(mut self) -> (Vec<String>, Bench) {
        self.open();
        self.bench.age();
        let mut words = self.bench.scan();
        for _ in 0..5 {
            self.bench.now += 1_000;
            words.extend(self.bench.check(&[]));
        }
        (words, self.bench)
    }

    fn open(&mut self) {
        let stored = StoredMirror {
            root: Some(self.bench.mirror.root_identity()),
            rows: self.bench.mirror.rows().cloned().collect(),
            journal: vec![self.entry.clone()],
            branch: None,
        };
        self.bench.mirror = Mirror::open(self.bench.folder.path(), stored, &LocalRules::default()).unwrap();
    }
}

#[test]
fn before_the_first_step() {
    let (words, bench) = Crash::announced("a", Some(NEW)).restart();
    assert_eq!(words, [""; 0]);
    assert_eq!(bench.text("a"), OLD);
}

#[test]
fn with_a_half_written_temporary() {
    for part in ["", "line one\nli", NEW] {
        let crash = Crash::announced("a", Some(NEW));
        fs::write(crash.temporary(), part).unwrap();
        let (words, bench) = crash.restart();
        assert_eq!(words, [""; 0]);
        assert_eq!(bench.text("a"), OLD);
        assert_eq!(bench.temporaries(), [""; 0]);
    }
}

#[test]
fn after_the_swap() {
    let crash = Crash::announced("a", Some(NEW));
    fs::write(crash.temporary(), OLD).unwrap();
    fs::write(crash.bench.at("a"), NEW).unwrap();
    let (words, mut bench) = crash.restart();
    assert_eq!(words, [""; 0], "our own write is nobody's edit");
    assert_eq!(bench.temporaries(), [""; 0]);
    let version = bench.contents.put(NEW.as_bytes());
    assert_eq!(bench.mirror.row(&Bench::path("a")).unwrap().version, version);
    bench.mirror.finish_batch().unwrap();
    let changes = bench.mirror.drain_table_changes();
    assert!(changes.iter().any(|change| matches!(change, TableChange::JournalDone(_))));
}

#[test]
fn after_the_swap_and_a_save_into_what_came_out() {
    let crash = Crash::announced("a", Some(NEW));
    fs::write(crash.temporary(), format!("mine\n{OLD}")).unwrap();
    fs::write(crash.bench.at("a"), NEW).unwrap();
    let (words, bench) = crash.restart();
    assert_eq!(words, ["saved aside a"]);
    assert_eq!(bench.saves[0].1, format!("mine\n{OLD}").as_bytes());
    assert_eq!(bench.saves[0].2.version, bench.contents.put(OLD.as_bytes()));
    assert_eq!(bench.temporaries(), [""; 0], "and it is gone once it is taken");
}

#[test]
fn after_the_swap_and_a_save_on_top_of_it() {
    let crash = Crash::announced("a", Some(NEW));
    fs::write(crash.temporary(), OLD).unwrap();
    crash.bench.save("a", format!("{NEW}mine\n"));
    let (words, bench) = crash.restart();
    assert_eq!(words, ["modified a"]);
    assert_eq!(bench.saves[0].2.version, bench.contents.put(NEW.as_bytes()), "based on what we wrote");
}

#[test]
fn between_the_two_renames_of_a_file_system_without_exchange() {
    let crash = Crash::announced("a", Some(NEW));
    fs::write(crash.temporary(), NEW).unwrap();
    let aside = crash.bench.at(&format!("{}.old", crash.entry.temporary));
    fs::rename(crash.bench.at("a"), aside).unwrap();
    let (words, bench) = crash.restart();
    assert_eq!(words, [""; 0], "a name that is free for a moment is no deletion");
    assert_eq!(bench.text("a"), OLD);
    assert_eq!(bench.temporaries(), [""; 0]);
}

#[test]
fn with_a_half_written_new_file() {
    for part in ["", "line one\nli"] {
        let crash = Crash::announced("new", Some(NEW));
        crash.bench.save("new", part);
        let (words, bench) = crash.restart();
        assert_eq!(words, [""; 0], "half a file is nobody's file");
        assert!(!bench.at("new").exists());
    }
    let crash = Crash::announced("new", Some(NEW));
    crash.bench.save("new", NEW);
    let (words, bench) = crash.restart();
    assert_eq!(words, [""; 0]);
    assert_eq!(bench.mirror.row(&Bench::path("new")).unwrap().node, [7; 16]);
    let crash = Crash::announced("new", Some(NEW));
    crash.bench.save("new", "somebody's own\n");
    assert_eq!(crash.restart().0, ["created new"]);
}

#[test]
fn with_a_new_file_that_somebody_is_saving_over() {
    // What an editor does that empties a file and fills it, in the middle of which we start.
    for begins_before in [false, true] {
        for has_row in [false, true] {
            let mut crash = Crash::announced("new", Some(NEW));
            crash.bench.save("new", NEW);
            if has_row {
                crash.bench.scan();
            }
            let empty = |crash: &Crash| fs::File::create(crash.bench.at("new")).unwrap();
            let mut saving = begins_before.then(|| empty(&crash));
            if begins_before {
                std::thread::sleep(Duration::from_millis(30));
            }
            crash.open();
            let saving = saving.get_or_insert_with(|| empty(&crash));
            let mut words = crash.bench.scan();
            saving.write_all(format!("{NEW}mine\n").as_bytes()).unwrap();
            for _ in 0..5 {
                crash.bench.now += 1_000;
                words.extend(crash.bench.check(&[]));
            }
            let case = format!("before {begins_before}, row {has_row}: {words:?}");
            assert!(!words.iter().any(|word| word.starts_with("removed")), "{case}");
            let saved =
                crash.bench.saves.iter().any(|(path, bytes, _)| path == "new" && bytes.ends_with(b"mine\n"));
            assert!(saved || crash.bench.text("new").ends_with("mine\n"), "{case}");
        }
    }
}

#[test]
fn with_a_swapped_out_file_that_somebody_still_has_open() {
    let mut crash = Crash::announced("a", Some(NEW));
    fs::write(crash.temporary(), OLD).unwrap();
    fs::write(crash.bench.at("a"), NEW).unwrap();
    let mut open = fs::OpenOptions::new().append(true).open(crash.temporary()).unwrap();
    crash.open();
    crash.bench.age();
    let mut words = crash.bench.scan();
    open.write_all(b"mine\n").unwrap();
    drop(open);
    for _ in 0..5 {
        crash.bench.now += 1_000;
        words.extend(crash.bench.check(&[]));
    }
    assert_eq!(words, ["saved aside a"]);
    assert_eq!(crash.bench.saves[0].1, format!("{OLD}mine\n").as_bytes());
    assert_eq!(crash.bench.temporaries(), [""; 0]);
}

#[test]
fn in_the_middle_of_a_removal() {
    let crash = Crash::announced("a", None);
    assert_eq!(crash.restart().0, [""; 0]);
    let crash = Crash::announced("a", None);
    fs::rename(crash.bench.at("a"), crash.temporary()).unwrap();
    let (words, bench) = crash.restart();
    assert_eq!(words, [""; 0], "our removal is no deletion by somebody");
    assert_eq!(bench.rows(), ["k"]);
    assert_eq!(bench.temporaries(), [""; 0]);
    let crash = Crash::announced("a", None);
    fs::rename(crash.bench.at("a"), crash.temporary()).unwrap();
    fs::write(crash.temporary(), format!("{OLD}mine\n")).unwrap();
    assert_eq!(crash.restart().0, ["saved aside a"]);
}

#[test]
fn after_a_write_to_what_was_renamed_in_the_same_batch() {
    let mut bench = Bench::with_files(&[("a", OLD), ("d/x", OLD)]);
    for (from, to, path) in [("a", "b", "b"), ("d", "e", "e/x")] {
        let kind = if from == "a" { Kind::File } else { Kind::Folder };
        let (version, content) = (bench.contents.put(NEW.as_bytes()), Content::from_bytes(NEW));
        let rename = WriteOp::Rename { from: Bench::path(from), to: Bench::path(to), kind, node: None };
        let path = Bench::path(path);
        let write = WriteOp::File { path, node: [7; 16], version, content, executable: false };
        let prepared = bench.mirror.prepare(vec![rename, write]);
        let entry = prepared.journal()[0].clone();
        let done = bench.mirror.execute(bench.now, prepared);
        assert!(done.iter().all(|outcome| matches!(outcome, WriteOutcome::Done)), "{done:?}");
        let words;
        (words, bench) = Crash { bench, entry }.restart();
        assert_eq!(words, [""; 0], "what was there before is nobody's save");
        assert_eq!(bench.temporaries(), [""; 0]);
    }
}

#[test]
fn temporaries_that_nobody_announced() {
    let mut bench = Bench::with_files(&[("a", OLD)]);
    bench.save(".weft-tmp-1", OLD);
    bench.save(".weft-tmp-2", "somebody's text\n");
    let (words, batch) = bench.try_scan().unwrap();
    assert_eq!(words, [""; 0]);
    assert_eq!(batch.leftovers, [".weft-tmp-2"], "unknown bytes are never thrown away");
    assert_eq!(bench.temporaries(), [".weft-tmp-2"]);
}

#[test]
fn rows_and_journal_survive_storing() {
    let crash = Crash::announced("a", Some(NEW));
    let row = crash.bench.mirror.row(&Bench::path("a")).unwrap().clone();
    let bytes = postcard::to_stdvec(&row).unwrap();
    assert_eq!(postcard::from_bytes::<MirrorRow>(&bytes).unwrap(), row);
    let bytes = postcard::to_stdvec(&crash.entry).unwrap();
    assert_eq!(postcard::from_bytes::<JournalEntry>(&bytes).unwrap(), crash.entry);
    let path = postcard::to_stdvec("../escape").unwrap();
    assert!(postcard::from_bytes::<RelPath>(&path).is_err(), "a stored path is checked again");
}
