//! Reading: what is new or changed, when it is complete, and what is only an echo.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

#[test]
fn an_import_reports_folders_before_files_and_then_nothing() {
    let mut bench = Bench::new();
    bench.save("src/main.rs", "fn main() {}\n");
    bench.save("README", "hello\n");
    fs::create_dir(bench.at("empty")).unwrap();
    bench.age();
    assert_eq!(bench.scan(), ["created empty/", "created src/", "created README", "created src/main.rs"]);
    assert_eq!(bench.scan(), [""; 0]);
    assert_eq!(bench.rows(), ["README", "empty", "src", "src/main.rs"]);
    assert_eq!(bench.mirror.files(), 2);
}

#[test]
fn a_change_is_found_by_a_scan_and_is_based_on_what_was_there() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("b", "two\n")]);
    let before = bench.mirror.row(&Bench::path("a")).unwrap().version.clone();
    bench.save("a", "one\nmore\n");
    bench.age();
    assert_eq!(bench.scan(), ["modified a"]);
    assert_eq!(bench.saves[0].1, b"one\nmore\n");
    assert_eq!(bench.saves[0].2.version, before);
    fs::remove_file(bench.at("b")).unwrap();
    assert_eq!(bench.scan(), ["removed b"]);
    assert_eq!(bench.rows(), ["a"]);
}

#[test]
fn a_change_that_keeps_size_and_time_is_found() {
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    bench.save("a", "two\n");
    bench.age();
    assert_eq!(bench.scan(), ["modified a"], "the change time gives it away");
}

#[test]
fn a_touch_is_no_change() {
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    filetime::set_file_mtime(bench.at("a"), filetime::FileTime::from_unix_time(1_600_000_000, 0)).unwrap();
    assert_eq!(bench.scan(), [""; 0]);
    assert_eq!(bench.check(&[("a", Hint::Closed)]), [""; 0]);
}

#[test]
fn a_closed_file_is_read_at_once_and_an_open_one_after_standing_still() {
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    bench.save("a", "one\ntwo\n");
    assert_eq!(bench.check(&[("a", Hint::Closed)]), ["modified a"]);
    bench.save("a", "one\ntwo\nthree\n");
    assert_eq!(bench.check(&[("a", Hint::Changed)]), [""; 0]);
    bench.now += 15;
    bench.save("a", "one\ntwo\nthree\nfour\n");
    assert_eq!(bench.check(&[("a", Hint::Changed)]), [""; 0]);
    bench.now += 15;
    let (words, outcome) = bench.check_events(&[]);
    assert!(words.is_empty(), "15 ms are not 20");
    assert_eq!(outcome.retry_at_millis, Some(bench.now + 5));
    bench.now += 5;
    assert_eq!(bench.check(&[]), ["modified a"]);
}

#[test]
fn a_file_that_never_rests_is_read_all_the_same() {
    let mut bench = Bench::with_files(&[("log", "0\n")]);
    let mut log = fs::OpenOptions::new().append(true).open(bench.at("log")).unwrap();
    let mut reports = 0;
    for line in 0..300 {
        writeln!(log, "{line}").unwrap();
        bench.now += 10;
        reports += bench.check(&[("log", Hint::Changed)]).len();
    }
    assert_eq!(reports, 1, "three seconds of writing, one look after two");
}

#[test]
fn an_emptied_file_and_a_beginning_of_the_old_text_wait_for_the_rest() {
    let mut bench = Bench::with_files(&[("a", "one\ntwo\nthree\n")]);
    bench.save("a", "");
    assert_eq!(bench.check(&[("a", Hint::Closed)]), [""; 0]);
    bench.now += 100;
    bench.save("a", "one\ntwo\n");
    assert_eq!(bench.check(&[("a", Hint::Closed)]), [""; 0]);
    bench.now += 100;
    bench.save("a", "one\ntwo\nthree\nfour\n");
    assert_eq!(bench.check(&[("a", Hint::Closed)]), ["modified a"]);
    assert_eq!(bench.saves.len(), 1);
}

#[test]
fn a_file_that_was_meant_to_be_short_is_reported_after_half_a_second() {
    let mut bench = Bench::with_files(&[("a", "one\ntwo\nthree\n"), ("b", "text\n")]);
    bench.save("a", "one\n");
    bench.save("b", "");
    assert_eq!(bench.check(&[("a", Hint::Closed), ("b", Hint::Closed)]), [""; 0]);
    bench.now += 499;
    assert_eq!(bench.check(&[]), [""; 0]);
    bench.now += 1;
    assert_eq!(bench.check(&[]), ["modified a", "modified b"]);
}

#[test]
fn a_shorter_text_that_is_no_beginning_is_reported_at_once() {
    let mut bench = Bench::with_files(&[("a", "one\ntwo\nthree\n")]);
    bench.save("a", "two\n");
    assert_eq!(bench.check(&[("a", Hint::Closed)]), ["modified a"]);
}

#[test]
fn an_echo_of_an_own_write_is_recognised_by_its_bytes() {
    let mut bench = Bench::with_files(&[("a", "one\n")]).watch();
    assert!(matches!(bench.write("a", "from a peer\n"), WriteOutcome::Done));
    assert!(matches!(bench.write("new", "from a peer\n"), WriteOutcome::Done));
    assert_eq!(bench.settle(), [""; 0]);
    // Somebody writes the very same bytes: nothing has changed either.
    bench.save("a", "from a peer\n");
    assert_eq!(bench.settle(), [""; 0]);
    bench.save("a", "from me\n");
    assert_eq!(bench.settle(), ["modified a"]);
}

#[test]
fn the_executable_bit_is_a_change_of_its_own() {
    let mut bench = Bench::with_files(&[("run.sh", "#!/bin/sh\n")]).watch();
    fs::set_permissions(bench.at("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(bench.settle(), ["executable=true run.sh"]);
    fs::set_permissions(bench.at("run.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(bench.settle(), ["executable=false run.sh"]);
    let op = WriteOp::SetExecutable { path: Bench::path("run.sh"), executable: true };
    assert!(matches!(bench.op(op), WriteOutcome::Done));
    assert_eq!(fs::metadata(bench.at("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(bench.settle(), [""; 0]);
}

#[test]
fn new_bytes_and_a_new_mode_are_two_changes() {
    let mut bench = Bench::with_files(&[("run.sh", "#!/bin/sh\n")]);
    bench.save("run.sh", "#!/bin/sh\necho\n");
    fs::set_permissions(bench.at("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    bench.age();
    assert_eq!(bench.scan(), ["executable=true run.sh", "modified run.sh"]);
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn links_and_special_files_are_counted_and_not_shared() {
    let mut bench = Bench::new();
    bench.save("real", "x");
    symlink("real", bench.at("link")).unwrap();
    symlink("/etc", bench.at("folder-link")).unwrap();
    symlink(".", bench.at("loop")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, bench.at("pipe"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    bench.age();
    let (words, batch) = bench.try_scan().unwrap();
    assert_eq!(words, ["created real"]);
    assert_eq!((batch.skipped.symlinks, batch.skipped.special_files), (3, 1));
}

#[test]
fn a_link_put_in_place_of_a_file_deletes_nothing_at_the_peers() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("d/b", "two\n")]);
    fs::remove_file(bench.at("a")).unwrap();
    symlink("/etc/passwd", bench.at("a")).unwrap();
    fs::rename(bench.at("d"), bench.at("../d-elsewhere").with_file_name("d-kept")).unwrap_or_default();
    fs::remove_dir_all(bench.at("d")).unwrap_or_default();
    symlink("/etc", bench.at("d")).unwrap();
    let words = bench.scan();
    assert!(!words.iter().any(|word| word.starts_with("removed")), "{words:?}");
}

#[test]
fn unicode_names_travel_as_they_are() {
    let names = ["grün.txt", "日本語", "e\u{301}.txt", "é.txt", "a b\tc", "🦀.rs", "-rf", "quote'\"$"];
    let files: Vec<(&str, &str)> = names.iter().map(|name| (*name, "x\n")).collect();
    let mut bench = Bench::with_files(&files);
    assert_eq!(bench.mirror.files(), names.len());
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn names_that_are_not_unicode_are_reported_and_left_alone() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let mut bench = Bench::with_files(&[("a", "x")]);
    fs::write(bench.folder.path().join(OsStr::from_bytes(b"bad\xff")), "y").unwrap();
    let (words, batch) = bench.try_scan().unwrap();
    assert_eq!(words, [""; 0]);
    assert_eq!(batch.skipped.not_unicode, ["bad\u{fffd}"]);
    // It goes and another comes, which the watcher tells.
    fs::remove_file(bench.folder.path().join(OsStr::from_bytes(b"bad\xff"))).unwrap();
    fs::create_dir(bench.at("sub")).unwrap();
    fs::write(bench.at("sub").join(OsStr::from_bytes(b"\xfe")), "y").unwrap();
    let folders = ["", "sub"].map(|folder| FolderEvent::NotUnicode { folder: folder.to_owned() });
    bench.check_events(&folders);
    assert_eq!(bench.mirror.skipped().not_unicode, ["sub/\u{fffd}"]);
}

#[test]
fn what_was_looked_at_again_takes_the_place_of_what_was_known() {
    let unreadable = |paths: &[&str]| {
        paths.iter().map(|path| ((*path).to_owned(), "closed".to_owned())).collect::<Vec<_>>()
    };
    let mut skipped =
        Skipped { unreadable: unreadable(&["a", "ab", "b/c", "d", "e/f"]), ..Skipped::default() };
    let found = Skipped { unreadable: unreadable(&["d"]), ..Skipped::default() };
    let looked_at = [("a", false), ("b", true), ("d", true), ("e", false)];
    skipped.renew(&looked_at.map(|(path, is_deep)| (Bench::path(path), is_deep)), &found);
    assert_eq!(skipped.unreadable, unreadable(&["ab", "e/f", "d"]));
}

#[test]
fn git_folders_never_take_part() {
    let mut bench = Bench::with_files(&[("a", "x")]).watch();
    bench.save(".git/config", "secret");
    bench.save("sub/.git/HEAD", "ref: refs/heads/main");
    bench.save("sub/.GIT/hooks/post-checkout", "rm -rf /");
    bench.save("sub/file", "x");
    assert_eq!(bench.settle(), ["created sub/", "created sub/file"]);
    assert!(RelPath::parse("sub/.GIT/hooks/post-checkout").is_err());
}

#[test]
fn a_file_that_cannot_be_read_is_reported_and_costs_only_itself() {
    if rustix::process::geteuid().is_root() {
        // Root reads everything; a folder that stands where a file is expected does not.
        let mut bench = Bench::with_files(&[("a", "x"), ("d/b", "y")]);
        fs::remove_file(bench.at("a")).unwrap();
        fs::create_dir(bench.at("a")).unwrap();
        assert_eq!(bench.scan(), ["created a/", "removed a"]);
        return;
    }
    let mut bench = Bench::with_files(&[("a", "x"), ("d/b", "y"), ("c", "z")]);
    fs::set_permissions(bench.at("a"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(bench.at("d"), fs::Permissions::from_mode(0o000)).unwrap();
    bench.save("c", "changed");
    bench.age();
    let (words, batch) = bench.try_scan().unwrap();
    assert_eq!(words, ["modified c"], "what cannot be seen is not gone");
    assert_eq!(batch.skipped.unreadable.len(), 1);
    fs::set_permissions(bench.at("d"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_file_that_becomes_a_folder_is_another_node() {
    let mut bench = Bench::with_files(&[("a", "x")]).watch();
    fs::remove_file(bench.at("a")).unwrap();
    bench.save("a/b", "y\n");
    let mut words = bench.settle();
    words.sort();
    assert_eq!(words, ["created a/", "created a/b", "removed a"]);
    assert_eq!(bench.rows(), ["a", "a/b"]);
}

#[test]
fn large_files_come_as_a_stream_that_notices_a_change() {
    use std::io::Read;
    let bytes = vec![7_u8; usize::try_from(SMALL_FILE_BYTES_MAX).unwrap() + 1];
    let mut bench = Bench::new();
    bench.save("big", &bytes);
    bench.age();
    let batch = bench.mirror.scan(bench.now, &NoOldContent, &mut |_| ()).unwrap();
    let DiskChange::Created { found: Found::File(file), .. } = &batch.changes[0] else {
        panic!("one new file: {batch:?}");
    };
    assert!(file.bytes().is_none());
    assert_eq!(file.read().unwrap(), bytes);
    let mut reader = file.open().unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    bench.save("big", vec![8_u8; bytes.len()]);
    assert!(reader.read_to_end(&mut Vec::new()).is_err(), "other bytes than the hash says");
    assert!(matches!(file.read(), Err(ReadError::Changed)));
}

#[test]
fn what_is_not_accepted_is_reported_again() {
    let mut bench = Bench::with_files(&[("a", "one\n")]);
    bench.save("a", "two, and longer\n");
    bench.age();
    let events = [FolderEvent::Path { path: Bench::path("a"), hint: Hint::Closed }];
    let first = bench.mirror.check(bench.now, &events, &bench.contents, &mut |_| ());
    assert_eq!(first.batch.changes.len(), 1);
    let again = bench.mirror.check(bench.now, &events, &bench.contents, &mut |_| ());
    assert_eq!(again.batch.changes.len(), 1);
    assert_eq!(bench.scan(), ["modified a"]);
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn lost_events_lead_to_a_full_look() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("b", "two\n")]);
    bench.save("a", "one and more\n");
    fs::remove_file(bench.at("b")).unwrap();
    let (words, _) = bench.check_events(&[FolderEvent::Rescan]);
    assert_eq!(words, [""; 0], "without events a file must stand still first");
    bench.now += 20;
    assert_eq!(bench.check(&[]), ["modified a", "removed b"]);
}

#[test]
fn the_watcher_says_so_when_its_listener_is_too_slow() {
    let bench = Bench::new();
    let (sender, receiver) = sync_channel(4);
    let reads = bench.mirror.read_log();
    let hand_over = move |event| sender.try_send(event);
    let _watcher = Watcher::start(bench.folder.path(), &LocalRules::default(), reads, hand_over).unwrap();
    for number in 0..50 {
        bench.save(&format!("f{number}"), "x");
    }
    let mut events = Vec::new();
    while let Ok(event) = receiver.recv_timeout(Duration::from_millis(500)) {
        events.push(event);
    }
    assert!(events.contains(&FolderEvent::Rescan), "{events:?}");
}

#[test]
fn what_is_in_a_new_folder_is_found_however_fast_it_came() {
    let mut bench = Bench::new().watch();
    for number in 0..50 {
        bench.save(&format!("a{number}/b/c/file"), "x\n");
    }
    let words = bench.settle();
    assert_eq!(words.iter().filter(|word| word.ends_with("/file")).count(), 50);
    bench.save("a7/b/c/file", "y\n");
    assert_eq!(bench.settle(), ["modified a7/b/c/file"], "and it is watched");
}

#[test]
fn a_branch_switch_is_one_batch_with_the_name_of_the_branch() {
    let mut bench = Bench::with_files(&[("a", "main\n"), ("b", "main\n")]);
    bench.save(".git/HEAD", "ref: refs/heads/main\n");
    bench.scan();
    bench.save(".git/index.lock", "");
    assert_eq!(bench.check_events(&[FolderEvent::GitLock { is_taken: true }]).0, [""; 0]);
    bench.save("a", "feature\n");
    assert_eq!(bench.check(&[("a", Hint::Closed)]), [""; 0], "git is not done yet");
    bench.now += 20;
    bench.save("b", "feature\n");
    bench.save(".git/HEAD", "ref: refs/heads/feature\n");
    assert_eq!(bench.check(&[("b", Hint::Closed)]), [""; 0]);
    fs::remove_file(bench.at(".git/index.lock")).unwrap();
    bench.now += 20;
    let given_back = [FolderEvent::GitHead, FolderEvent::GitLock { is_taken: false }];
    assert_eq!(bench.check_events(&given_back).0, [""; 0], "the branch may be named a moment later");
    bench.now += 40;
    let outcome = bench.check_events(&[]);
    assert_eq!(outcome.0, ["modified a", "modified b"]);
    assert_eq!(outcome.1.batch.branch.as_deref(), Some("feature"));
    assert!(bench.saves.iter().all(|(_, _, base)| base.evidence == Evidence::Git));
}

#[test]
fn what_is_written_between_taking_and_giving_back_gits_lock_is_gits_however_late_it_is_seen() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("b", "one\n"), ("c", "one\n")]);
    for path in ["a", "b", "c"] {
        bench.save(path, "two\n");
    }
    let path = |path| FolderEvent::Path { path: Bench::path(path), hint: Hint::Closed };
    let (taken, given_back) =
        (FolderEvent::GitLock { is_taken: true }, FolderEvent::GitLock { is_taken: false });
    assert_eq!(bench.check_events(&[path("a"), taken, path("b"), given_back]).0, [""; 0]);
    bench.now += 40;
    assert_eq!(bench.check(&[]).len(), 2);
    assert_eq!(bench.check(&[("c", Hint::Closed)]), ["modified c"]);
    let evidence: Vec<_> = bench.saves.iter().map(|(path, _, base)| (path.as_str(), base.evidence)).collect();
    assert_eq!(evidence, [("a", Evidence::None), ("b", Evidence::Git), ("c", Evidence::None)]);
}

#[test]
fn ones_own_save_is_what_one_has_seen() {
    let mut bench = Bench::with_files(&[("a", "one\n")]).watch();
    assert!(matches!(bench.write("a", "one\npeer\n"), WriteOutcome::Done));
    for text in ["one\nmine\n", "one\nmine\nmore\n"] {
        bench.save("a", text);
        bench.now += 1_000;
        assert_eq!(bench.check(&[("a", Hint::Closed)]), ["modified a"]);
    }
    let evidence: Vec<_> = bench.saves.iter().map(|(_, _, base)| base.evidence).collect();
    assert_eq!(evidence, [Evidence::NewestNotRead, Evidence::None]);
}

#[test]
fn a_save_tells_which_versions_it_may_come_from() {
    let mut bench = Bench::with_files(&[("a", "one\n")]).watch();
    bench.now = 2_000_000;
    bench.started = Instant::now();
    for text in ["one\npeer 1\n", "one\npeer 1\npeer 2\n"] {
        bench.now += 1_000;
        assert!(matches!(bench.write("a", text), WriteOutcome::Done));
    }
    bench.save("a", "one\nmine\n");
    bench.now += 1_000;
    assert_eq!(bench.check(&[("a", Hint::Closed)]), ["modified a"]);
    let base = &bench.saves[0].2;
    assert_eq!(base.version, bench.contents.put(b"one\npeer 1\npeer 2\n"));
    let older: Vec<_> = base.older.iter().map(|past| past.version.clone()).collect();
    assert_eq!(older, [bench.contents.put(b"one\npeer 1\n"), bench.contents.put(b"one\n")]);
    assert_eq!(base.evidence, Evidence::NewestNotRead, "nobody has read the newest version");
}

#[test]
fn somebody_who_has_read_the_newest_version_may_have_changed_it() {
    let mut bench = Bench::with_files(&[("a", "one\n")]).watch();
    assert!(matches!(bench.write("a", "one\npeer\n"), WriteOutcome::Done));
    bench.settle();
    assert_eq!(bench.text("a"), "one\npeer\n");
    bench.settle();
    bench.save("a", "one\n(peer)\n");
    assert_eq!(bench.settle(), ["modified a"]);
    assert_eq!(bench.saves[0].2.evidence, Evidence::None);
}

#[test]
fn an_event_arrives_within_a_millisecond_or_so() {
    let bench = Bench::with_files(&[("a", "one\n")]).watch();
    let (_, receiver) = bench.watcher.as_ref().unwrap();
    let mut times = Vec::new();
    for number in 0..50 {
        while receiver.try_recv().is_ok() {}
        let file = fs::OpenOptions::new().append(true).open(bench.at("a")).unwrap();
        (&file).write_all(format!("{number}").as_bytes()).unwrap();
        let started = Instant::now();
        drop(file);
        while !matches!(
            receiver.recv_timeout(Duration::from_secs(5)).unwrap(),
            FolderEvent::Path { hint: Hint::Closed, .. }
        ) {}
        times.push(started.elapsed());
    }
    times.sort();
    // The machine may be busy; the median shows that nothing waits on purpose.
    assert!(times[25] < Duration::from_millis(10), "median {:?}", times[25]);
}

/// A folder whose workspace wants to be asked about other branches, with the branch `main`.
fn with_held_branches() -> Bench {
    let mut bench = Bench::with_files(&[("a", "of main\n"), ("b", "b\n")]);
    bench.mirror.hold_branches(true);
    bench.save(".git/HEAD", "ref: refs/heads/main\n");
    bench.scan();
    bench.save(".git/HEAD", "ref: refs/heads/feature\n");
    bench.save("a", "of feature\n");
    bench.now += 1_000;
    let reason = HoldReason::BranchSwitched { branch: "feature".to_owned(), changes: 1 };
    let events = [FolderEvent::Path { path: Bench::path("a"), hint: Hint::Closed }];
    assert_eq!(bench.check_events(&events).1.hold, Some(reason.clone()));
    assert_eq!(bench.try_scan().unwrap_err(), reason);
    assert!(matches!(bench.write("b", "of a peer\n"), WriteOutcome::Held(_)));
    bench
}

#[test]
fn a_branch_that_is_held_ends_with_the_branch_before() {
    let mut bench = with_held_branches();
    bench.save(".git/HEAD", "ref: refs/heads/main\n");
    bench.save("a", "of main\n");
    bench.age();
    assert_eq!(bench.scan(), [""; 0]);
    assert_eq!(bench.mirror.hold(), None);
}

#[test]
fn a_branch_that_is_held_goes_out_when_the_person_says_so() {
    let mut bench = with_held_branches();
    bench.mirror.resume(Decision::Share).unwrap();
    assert_eq!(bench.scan(), [""; 0], "it may still be written");
    bench.age();
    let (words, batch) = bench.try_scan().unwrap();
    assert_eq!((words, batch.branch.as_deref()), (vec!["modified a".to_owned()], Some("feature")));
    assert_eq!(bench.mirror.branch(), Some("feature"));
    // The next one is asked about again.
    bench.save(".git/HEAD", "ref: refs/heads/main\n");
    bench.save("a", "of main\n");
    bench.age();
    assert!(matches!(bench.try_scan(), Err(HoldReason::BranchSwitched { .. })));
}

#[test]
fn an_edit_a_while_after_a_new_branch_is_none_of_that() {
    let mut bench = Bench::with_files(&[("a", "main\n")]);
    bench.mirror.hold_branches(true);
    bench.save(".git/HEAD", "ref: refs/heads/main\n");
    bench.scan();
    bench.save(".git/HEAD", "ref: refs/heads/feature\n");
    bench.check_events(&[FolderEvent::GitHead]);
    bench.now += 10_000;
    bench.save("a", "an edit\n");
    let (words, outcome) =
        bench.check_events(&[FolderEvent::Path { path: Bench::path("a"), hint: Hint::Closed }]);
    assert_eq!((words, outcome.hold, outcome.batch.branch), (vec!["modified a".to_owned()], None, None));
    assert_eq!(bench.mirror.branch(), Some("feature"));
}

#[test]
fn a_branch_that_is_checked_out_while_nothing_runs_is_noticed_at_the_start() {
    let mut bench = Bench::with_files(&[("a", "of main\n")]);
    bench.save(".git/HEAD", "ref: refs/heads/main\n");
    bench.scan();
    let stored = StoredMirror {
        root: Some(bench.mirror.root_identity()),
        rows: bench.mirror.rows().cloned().collect(),
        journal: Vec::new(),
        branch: bench.mirror.branch().map(str::to_owned),
    };
    bench.save(".git/HEAD", "ref: refs/heads/feature\n");
    bench.save("a", "of feature\n");
    bench.age();
    bench.mirror = Mirror::open(bench.folder.path(), stored, &LocalRules::default()).unwrap();
    bench.mirror.hold_branches(true);
    assert!(matches!(bench.try_scan(), Err(HoldReason::BranchSwitched { .. })));
    bench.mirror.hold_branches(false);
    assert_eq!(bench.try_scan().unwrap().1.branch.as_deref(), Some("feature"));
}
