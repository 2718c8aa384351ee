//! Exchange, not overwrite.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::mirror::os::Abilities;

/// How two names are swapped; file systems differ.
#[derive(Clone, Copy, Debug)]
enum Way {
    Exchange,
    HardLink,
    RenameAway,
}

const WAYS: [Way; 3] = [Way::Exchange, Way::HardLink, Way::RenameAway];

impl Bench {
    /// Answers like a file system that lacks some operations.
    fn only(self, way: Way) -> Bench {
        let abilities = &self.mirror.root.as_ref().unwrap().abilities;
        if !matches!(way, Way::Exchange) {
            Abilities::lack(&abilities.exchange);
            Abilities::lack(&abilities.rename_to_free_name);
        }
        if matches!(way, Way::RenameAway) {
            Abilities::lack(&abilities.links);
        }
        self
    }
}

#[test]
fn a_peers_edit_reaches_the_disk_and_leaves_nothing_behind() {
    for way in WAYS {
        let mut bench = Bench::with_files(&[("a", "one\n"), ("d/b", "two\n")]).only(way).watch();
        for (path, text) in [("a", "ONE\n"), ("d/b", "TWO\n"), ("d/new", "three\n")] {
            assert!(matches!(bench.write(path, text), WriteOutcome::Done), "{way:?}");
            assert_eq!(bench.text(path), text);
        }
        assert_eq!(bench.settle(), [""; 0], "{way:?}");
        assert_eq!(bench.temporaries(), [""; 0], "{way:?}");
        assert_eq!(bench.scan(), [""; 0]);
    }
}

#[test]
fn a_reader_sees_the_old_or_the_new_file_and_never_a_half() {
    let bench = Bench::with_files(&[("a", &"0".repeat(100_000))]);
    let path = bench.at("a");
    let stop = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut reads = 0;
            while !stop.load(Ordering::Relaxed) {
                let text = fs::read(&path).unwrap();
                assert_eq!(text.len(), 100_000);
                assert!(text.iter().all(|byte| *byte == text[0]), "a mixture");
                reads += 1;
            }
            reads
        }
    });
    let mut bench = bench;
    for digit in 1..60 {
        bench.now += 1_000;
        let text = (digit % 10).to_string().repeat(100_000);
        assert!(matches!(bench.write("a", &text), WriteOutcome::Done));
        bench.check(&[]);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 0);
}

#[test]
fn a_save_just_before_a_write_is_not_overwritten() {
    for way in WAYS {
        let mut bench = Bench::with_files(&[("a", "one\n")]).only(way);
        bench.save("a", "mine\n");
        assert!(matches!(bench.write("a", "peer\n"), WriteOutcome::Changed), "{way:?}");
        assert_eq!(bench.text("a"), "mine\n");
        bench.now += 20;
        assert_eq!(bench.check(&[]), [""; 0], "nobody has closed it: it must stand still");
        bench.now += 20;
        assert_eq!(bench.check(&[]), ["modified a"], "{way:?}");
        bench.now += 100;
        assert!(matches!(bench.write("a", "mine and peer\n"), WriteOutcome::Done));
    }
}

#[test]
fn a_file_that_nobody_told_us_of_is_not_overwritten() {
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    bench.save("b", "mine\n");
    assert!(matches!(bench.write("b", "peer\n"), WriteOutcome::Blocked(Obstacle::Occupied)));
    assert_eq!(bench.text("b"), "mine\n");
    assert!(matches!(bench.write("b", "mine\n"), WriteOutcome::Done), "the same bytes are welcome");
    assert_eq!(bench.scan(), [""; 0]);
    fs::create_dir(bench.at("c")).unwrap();
    assert!(matches!(bench.write("c", "peer\n"), WriteOutcome::Blocked(Obstacle::Occupied)));
}

#[test]
fn a_writer_that_waits_for_our_write_has_saved_aside() {
    for way in WAYS {
        let mut bench = Bench::with_files(&[("a", "one\n")]).only(way).watch();
        let mut file = OpenOptions::new().append(true).open(bench.at("a")).unwrap();
        assert!(matches!(bench.write("a", "peer\none\n"), WriteOutcome::Done));
        let before = bench.contents.put(b"one\n");
        // He thinks, while his handle is still open, and longer than any fixed wait.
        for _ in 0..10 {
            bench.now += 1_000;
            bench.check_events(&[FolderEvent::Temporary]);
        }
        assert_eq!(bench.temporaries().len(), 1, "kept as long as somebody can write to it");
        bench.started = Instant::now() - Duration::from_secs(60);
        file.write_all(b"mine\n").unwrap();
        drop(file);
        assert_eq!(bench.settle(), ["saved aside a"], "{way:?}");
        assert_eq!(bench.saves[0].1, b"one\nmine\n");
        assert_eq!((&bench.saves[0].2.version, bench.saves[0].2.evidence), (&before, Evidence::Certain));
        assert_eq!(bench.text("a"), "peer\none\n");
        assert_eq!(bench.temporaries(), [""; 0]);
    }
}

#[test]
fn a_writer_in_a_loop_loses_nothing() {
    for way in [Way::Exchange, Way::HardLink] {
        let mut bench = Bench::with_files(&[("a", "start\n")]).only(way).watch();
        let path = bench.at("a");
        let writer = std::thread::spawn(move || {
            for number in 0..200 {
                // Appends through a fresh handle, as a build log would.
                let mut file = OpenOptions::new().append(true).open(&path).unwrap();
                writeln!(file, "mine {number}").unwrap();
                drop(file);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        // The workspace: all lines ever seen, in order of appearance.
        let mut lines: Vec<String> = vec!["start".into()];
        let mut merge = |bench: &mut Bench, from: &mut usize| {
            for (_, bytes, _) in &bench.saves[*from..] {
                for line in String::from_utf8_lossy(bytes).lines() {
                    if !lines.iter().any(|known| known == line) {
                        lines.push(line.to_owned());
                    }
                }
            }
            *from = bench.saves.len();
            lines.clone()
        };
        let mut taken = 0;
        for number in 0..60 {
            bench.now = 1_000_000 + u64::try_from(bench.started.elapsed().as_millis()).unwrap();
            let events: Vec<_> = bench.watcher.as_ref().unwrap().1.try_iter().collect();
            bench.check_events(&events);
            let mut lines = merge(&mut bench, &mut taken);
            lines.insert(0, format!("peer {number}"));
            bench.write("a", &(lines.join("\n") + "\n"));
            std::thread::sleep(Duration::from_millis(5));
        }
        writer.join().unwrap();
        bench.settle();
        let lines = merge(&mut bench, &mut taken);
        let on_disk = bench.text("a");
        for number in 0..200 {
            let line = format!("mine {number}");
            let is_kept = lines.contains(&line) || on_disk.lines().any(|other| other == line);
            assert!(is_kept, "{way:?}: {line} is lost");
        }
        assert_eq!(bench.temporaries(), [""; 0]);
    }
}

#[test]
fn a_stamp_that_proves_nothing_is_not_trusted() {
    // On a coarse clock a save right after ours can leave the very same stamp.
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    let row = bench.mirror.row(&Bench::path("a")).unwrap().clone();
    fs::write(bench.at("b"), "mine\n").unwrap();
    fs::rename(bench.at("b"), bench.at("a")).unwrap();
    let entry = fs::metadata(bench.at("a")).unwrap();
    bench.mirror.table.update(&row.path, |row| {
        row.stamp.inode = entry.ino();
        row.stamp.size = entry.len();
        row.stamp.modified_nanos = entry.mtime() * 1_000_000_000 + entry.mtime_nsec();
        row.stamp.changed_nanos = entry.ctime() * 1_000_000_000 + entry.ctime_nsec();
        row.stamp.born_nanos = 0;
        row.settled = false;
    });
    // Not settled: the bytes are compared, and differ.
    assert!(matches!(bench.write("a", "peer\n"), WriteOutcome::Changed));
    assert_eq!(bench.text("a"), "mine\n");
}

#[test]
fn mode_owner_and_extended_attributes_stay() {
    let mut bench = Bench::with_files(&[("run", "one\n")]);
    fs::set_permissions(bench.at("run"), fs::Permissions::from_mode(0o750)).unwrap();
    let has_attributes = xattr::set(bench.at("run"), "user.colour", b"green").is_ok();
    bench.scan();
    assert!(matches!(bench.write("run", "two\n"), WriteOutcome::Done));
    assert_eq!(fs::metadata(bench.at("run")).unwrap().mode() & 0o7777, 0o750);
    if has_attributes {
        assert_eq!(xattr::get(bench.at("run"), "user.colour").unwrap().as_deref(), Some(&b"green"[..]));
    }
}

#[test]
fn nothing_is_written_through_a_link_or_outside() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("target"), "theirs").unwrap();
    for open_beneath in [true, false] {
        let mut bench = Bench::with_files(&[("d/a", "one\n"), ("b", "two\n")]);
        if !open_beneath {
            Abilities::lack(&bench.mirror.root.as_ref().unwrap().abilities.open_beneath);
        }
        fs::remove_dir_all(bench.at("d")).unwrap();
        symlink(outside.path(), bench.at("d")).unwrap();
        fs::remove_file(bench.at("b")).unwrap();
        symlink(outside.path().join("target"), bench.at("b")).unwrap();
        symlink(outside.path().join("fresh"), bench.at("dangling")).unwrap();
        let node = [1; 16];
        let path = Bench::path;
        let ops = vec![
            WriteOp::File {
                path: path("d/a"),
                node,
                version: vec![],
                content: Content::from_bytes("x"),
                executable: false,
            },
            WriteOp::File {
                path: path("d/new"),
                node,
                version: vec![],
                content: Content::from_bytes("x"),
                executable: false,
            },
            WriteOp::File {
                path: path("b"),
                node,
                version: vec![],
                content: Content::from_bytes("x"),
                executable: false,
            },
            WriteOp::File {
                path: path("dangling"),
                node,
                version: vec![],
                content: Content::from_bytes("x"),
                executable: false,
            },
            WriteOp::MakeFolder { path: path("d/folder"), node },
            WriteOp::MakeFolder { path: path("dangling"), node },
            WriteOp::SetExecutable { path: path("b"), executable: true },
            WriteOp::Remove { path: path("d/a"), node: None },
            rename("d/a", "z", Kind::File),
        ];
        for outcome in bench.mirror.write(bench.now, ops) {
            assert!(!matches!(outcome, WriteOutcome::Done), "{outcome:?}");
        }
        let names: Vec<_> = fs::read_dir(outside.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["target"]);
        assert_eq!(fs::read_to_string(outside.path().join("target")).unwrap(), "theirs");
        assert_eq!(fs::metadata(outside.path().join("target")).unwrap().mode() & 0o111, 0);
    }
}

#[test]
fn a_removed_file_goes_unless_somebody_has_saved_it() {
    for way in WAYS {
        let mut bench = Bench::with_files(&[("a", "one\n"), ("b", "two\n")]).only(way).watch();
        assert!(matches!(
            bench.op(WriteOp::Remove { path: Bench::path("a"), node: None }),
            WriteOutcome::Done
        ));
        assert!(!bench.at("a").exists());
        bench.save("b", "two, edited\n");
        assert!(matches!(
            bench.op(WriteOp::Remove { path: Bench::path("b"), node: None }),
            WriteOutcome::Changed
        ));
        assert_eq!(bench.settle(), ["modified b"], "{way:?}");
        assert_eq!(bench.temporaries(), [""; 0]);
        assert_eq!(bench.rows(), ["b"]);
    }
}

#[test]
fn a_save_into_a_removed_file_is_not_lost() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("k", "x")]).watch();
    let mut file = OpenOptions::new().append(true).open(bench.at("a")).unwrap();
    assert!(matches!(bench.op(WriteOp::Remove { path: Bench::path("a"), node: None }), WriteOutcome::Done));
    file.write_all(b"mine\n").unwrap();
    drop(file);
    assert_eq!(bench.settle(), ["saved aside a"]);
    assert_eq!(bench.saves[0].1, b"one\nmine\n");
    assert_eq!(bench.temporaries(), [""; 0]);
}

#[test]
fn folders_are_made_renamed_and_removed() {
    let mut bench = Bench::new().watch();
    let path = Bench::path;
    assert!(matches!(bench.op(WriteOp::MakeFolder { path: path("d"), node: [1; 16] }), WriteOutcome::Done));
    assert!(matches!(bench.op(WriteOp::MakeFolder { path: path("d/e"), node: [2; 16] }), WriteOutcome::Done));
    assert!(matches!(bench.write("d/e/f", "x\n"), WriteOutcome::Done));
    assert!(matches!(bench.op(rename("d", "n", Kind::Folder)), WriteOutcome::Done));
    assert_eq!(bench.settle(), [""; 0]);
    assert_eq!(bench.rows(), ["n", "n/e", "n/e/f"]);
    assert!(
        matches!(bench.op(WriteOp::RemoveFolder { path: path("n") }), WriteOutcome::Changed),
        "not empty"
    );
    assert!(matches!(bench.op(WriteOp::Remove { path: path("n/e/f"), node: None }), WriteOutcome::Done));
    assert!(matches!(bench.op(WriteOp::RemoveFolder { path: path("n/e") }), WriteOutcome::Done));
    assert!(matches!(bench.op(WriteOp::RemoveFolder { path: path("n") }), WriteOutcome::Done));
    assert_eq!(bench.settle(), [""; 0]);
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_with_somebodys_ignored_files_stays() {
    let mut bench = Bench::with_files(&[
        (".gitignore", "*.o\n"),
        ("d/a", "x\n"),
        ("d/a.o", "built\n"),
        ("d/.env", "hush"),
    ]);
    assert!(matches!(bench.op(WriteOp::Remove { path: Bench::path("d/a"), node: None }), WriteOutcome::Done));
    let outcome = bench.op(WriteOp::RemoveFolder { path: Bench::path("d") });
    assert!(matches!(outcome, WriteOutcome::Blocked(Obstacle::NotEmpty)));
    assert_eq!(bench.text("d/.env"), "hush");
    assert_eq!(bench.scan(), [""; 0], "it is private now and does not come back");
    assert_eq!(bench.rows(), [".gitignore"]);
}

#[test]
fn a_rename_takes_along_what_is_not_shared_and_never_replaces() {
    for way in WAYS {
        let mut bench =
            Bench::with_files(&[(".gitignore", "*.o\n"), ("d/a", "x\n"), ("d/a.o", "y"), ("b", "z\n")])
                .only(way);
        let outcome = bench.op(rename("b", "d/a", Kind::File));
        assert!(matches!(outcome, WriteOutcome::Blocked(Obstacle::Occupied)), "{way:?}");
        assert!(matches!(bench.op(rename("d", "e", Kind::Folder)), WriteOutcome::Done));
        assert_eq!((bench.text("e/a"), bench.text("e/a.o")), ("x\n".into(), "y".into()));
        assert!(matches!(bench.op(rename("b", "e/b", Kind::File)), WriteOutcome::Done));
        assert_eq!(bench.scan(), [""; 0], "{way:?}");
    }
}

#[test]
fn a_file_is_written_at_most_every_tenth_of_a_second() {
    let mut bench = Bench::with_files(&[("a", "0\n"), ("b", "0\n")]);
    assert!(matches!(bench.write("a", "1\n"), WriteOutcome::Done), "the first at once");
    bench.now += 50;
    let WriteOutcome::Later { at_millis } = bench.write("a", "2\n") else {
        panic!("too early");
    };
    assert!(at_millis >= bench.now + 50);
    assert!(matches!(bench.write("b", "1\n"), WriteOutcome::Done), "another file is not concerned");
    bench.now = at_millis;
    assert!(matches!(bench.write("a", "3\n"), WriteOutcome::Done));
}

#[test]
fn a_stream_that_gives_other_bytes_is_not_written() {
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    for path in ["a", "new"] {
        let content =
            Content::Stream { hash: [9; 32], open: Box::new(|| Ok(Box::new(&b"something else"[..]))) };
        let op = WriteOp::File {
            path: Bench::path(path),
            node: [1; 16],
            version: vec![],
            content,
            executable: false,
        };
        assert!(matches!(bench.op(op), WriteOutcome::Failed(_)));
    }
    assert_eq!(bench.text("a"), "one\n");
    assert!(!bench.at("new").exists());
    assert_eq!(bench.temporaries(), [""; 0]);
}

#[test]
fn a_large_stream_appears_under_its_name_when_it_is_whole() {
    let bytes = vec![3_u8; 3 << 20];
    let mut bench = Bench::new();
    let copy = bytes.clone();
    let content = Content::Stream {
        hash: *blake3::hash(&bytes).as_bytes(),
        open: Box::new(move || Ok(Box::new(std::io::Cursor::new(copy)))),
    };
    let op = WriteOp::File {
        path: Bench::path("big"),
        node: [1; 16],
        version: vec![1],
        content,
        executable: true,
    };
    assert!(matches!(bench.op(op), WriteOutcome::Done));
    assert_eq!(fs::read(bench.at("big")).unwrap(), bytes);
    assert_ne!(fs::metadata(bench.at("big")).unwrap().mode() & 0o100, 0);
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn what_is_written_is_announced_first_and_the_journal_shrinks_after_a_sync() {
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    bench.mirror.drain_table_changes();
    let content = Content::from_bytes("two\n");
    let op =
        WriteOp::File { path: Bench::path("a"), node: [1; 16], version: vec![2], content, executable: false };
    let prepared = bench.mirror.prepare(vec![op]);
    let entry = prepared.journal()[0].clone();
    assert_eq!(entry.after, Some((*blake3::hash(b"two\n").as_bytes(), vec![2])));
    assert_eq!(entry.before.as_ref().unwrap().0, *blake3::hash(b"one\n").as_bytes());
    assert_eq!(bench.text("a"), "one\n", "nothing happens before the journal is stored");
    assert!(matches!(bench.mirror.execute(bench.now, prepared)[0], WriteOutcome::Done));
    let changes = bench.mirror.drain_table_changes();
    assert!(matches!(&changes[..], [TableChange::Put(row)] if row.version == [2]), "{changes:?}");
    // The old file is watched for late writers first.
    bench.mirror.finish_batch().unwrap();
    assert_eq!(bench.mirror.drain_table_changes(), []);
    for _ in 0..3 {
        bench.now += 2_000;
        bench.check(&[]);
    }
    bench.mirror.finish_batch().unwrap();
    assert_eq!(bench.mirror.drain_table_changes(), [TableChange::JournalDone(entry.id)]);
}

fn rename(from: &str, to: &str, kind: Kind) -> WriteOp {
    WriteOp::Rename { from: Bench::path(from), to: Bench::path(to), kind, node: None }
}

#[test]
fn a_rename_moves_only_what_it_was_meant_for() {
    let mut bench = Bench::with_files(&[("d/a", "a\n"), ("b", "b\n")]);
    let other = WriteOp::Rename {
        from: Bench::path("b"),
        to: Bench::path("c"),
        kind: Kind::File,
        node: Some([77; 16]),
    };
    assert!(matches!(bench.op(other), WriteOutcome::Changed));
    assert!(matches!(bench.op(rename("d", "e", Kind::File)), WriteOutcome::Changed));
    assert!(bench.at("b").exists() && bench.at("d/a").exists());
}

#[test]
fn what_was_swapped_out_goes_while_the_folder_is_never_at_rest() {
    let mut bench = Bench::with_files(&[("a", "0\n")]);
    bench.scan();
    for n in 1..60 {
        bench.now += 100;
        assert!(matches!(bench.write("a", &format!("{n}\n")), WriteOutcome::Done));
        bench.check_events(&[FolderEvent::Temporary]);
        assert!(bench.temporaries().len() <= 30, "{n} writes left {:?}", bench.temporaries());
    }
}
