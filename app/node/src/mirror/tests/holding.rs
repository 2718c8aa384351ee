//! A vanished folder deletes nothing.

use std::fs;

use super::*;

fn with_forty() -> Bench {
    let names: Vec<String> = (0..40).map(|number| format!("d{}/f{number}", number % 4)).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    Bench::with_files(&files)
}

fn remove(bench: &Bench, from: usize, to: usize) {
    for number in from..to {
        fs::remove_file(bench.at(&format!("d{}/f{number}", number % 4))).unwrap();
    }
}

#[test]
fn half_of_the_files_gone_is_asked_about() {
    let mut bench = with_forty();
    remove(&bench, 0, 20);
    let reason = bench.try_scan().unwrap_err();
    assert_eq!(reason, HoldReason::MostFilesGone { gone: 20, total: 40 });
    // Held: nothing goes out and nothing is written.
    bench.save("d0/new", "x\n");
    assert_eq!(bench.check(&[("d0/new", Hint::Closed)]), [""; 0]);
    assert!(matches!(bench.write("d0/f20", "peer\n"), WriteOutcome::Held(_)));
    assert!(matches!(bench.write("other", "peer\n"), WriteOutcome::Held(_)));
    assert!(!bench.at("other").exists());
    assert!(bench.try_scan().is_err(), "asking again changes nothing");
}

#[test]
fn deleted_on_purpose_goes_out() {
    let mut bench = with_forty();
    remove(&bench, 0, 30);
    bench.try_scan().unwrap_err();
    bench.mirror.resume(Decision::Deleted).unwrap();
    let words = bench.scan();
    assert_eq!(words.iter().filter(|word| word.starts_with("removed")).count(), 30);
    assert_eq!(bench.mirror.files(), 10);
}

#[test]
fn restored_files_are_written_again() {
    let mut bench = with_forty();
    remove(&bench, 0, 30);
    bench.save("d1/f37", "edited meanwhile\n");
    bench.age();
    bench.try_scan().unwrap_err();
    bench.mirror.resume(Decision::Restore).unwrap();
    assert_eq!(bench.scan(), ["modified d1/f37"]);
    assert_eq!(bench.mirror.files(), 10, "the others have no row and are to be written");
    assert!(matches!(bench.write("d0/f0", "d0/f0"), WriteOutcome::Done));
}

#[test]
fn fewer_than_twenty_or_less_than_half_go_out_at_once() {
    let mut bench = with_forty();
    remove(&bench, 0, 19);
    assert_eq!(bench.scan().len(), 19);
    let names: Vec<String> = (0..50).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let mut bench = Bench::with_files(&files);
    for name in &names[..24] {
        fs::remove_file(bench.at(name)).unwrap();
    }
    assert_eq!(bench.scan().len(), 24);
}

#[test]
fn new_files_do_not_excuse_and_renames_do_not_count() {
    let mut bench = with_forty();
    for number in 0..25 {
        let old = format!("d{}/f{number}", number % 4);
        fs::rename(bench.at(&old), bench.at(&format!("{old}.moved"))).unwrap();
    }
    assert_eq!(bench.scan().len(), 25);
    let mut bench = with_forty();
    remove(&bench, 0, 25);
    for number in 0..60 {
        bench.save(&format!("new/{number}"), "unlike");
    }
    bench.age();
    assert!(bench.try_scan().is_err());
}

#[test]
fn a_script_that_removes_everything_is_noticed_from_its_events() {
    let mut bench = with_forty().watch();
    for folder in 0..4 {
        fs::remove_dir_all(bench.at(&format!("d{folder}"))).unwrap();
    }
    let words = bench.settle();
    assert!(words.last().unwrap().starts_with("hold: "), "{words:?}");
    assert!(!words.iter().any(|word| word.starts_with("removed")), "{words:?}");
}

#[test]
fn slow_removal_counts_together_for_ten_seconds() {
    let mut bench = with_forty();
    let mut out = 0;
    for number in 0..30 {
        remove(&bench, number, number + 1);
        let path = format!("d{}/f{number}", number % 4);
        out += bench.check(&[(&path, Hint::Other)]).len();
        bench.now += 100;
        out += bench.check(&[]).len();
        bench.now += 100;
    }
    assert_eq!(out, 19, "from the twentieth on they wait for each other");
    bench.now += 300;
    assert_eq!(bench.check(&[]), [""; 0]);
    assert_eq!(bench.mirror.hold(), Some(&HoldReason::MostFilesGone { gone: 30, total: 40 }));
}

#[test]
fn many_deletions_that_are_less_than_half_wait_for_a_pause_and_go_out() {
    let names: Vec<String> = (0..100).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let mut bench = Bench::with_files(&files);
    for name in &names[..30] {
        fs::remove_file(bench.at(name)).unwrap();
    }
    let events: Vec<(&str, Hint)> = names[..30].iter().map(|name| (name.as_str(), Hint::Other)).collect();
    assert_eq!(bench.check(&events), [""; 0]);
    bench.now += 300;
    assert_eq!(bench.check(&[]).len(), 30);
}

#[test]
fn a_missing_folder_holds_until_it_is_back() {
    let mut bench = with_forty();
    let aside = bench.folder.path().with_extension("aside");
    fs::rename(bench.folder.path(), &aside).unwrap();
    assert!(matches!(bench.try_scan(), Err(HoldReason::RootMissing(_))));
    assert!(matches!(bench.write("d0/f0", "peer"), WriteOutcome::Held(_)));
    fs::create_dir(bench.folder.path()).unwrap();
    assert!(matches!(bench.try_scan(), Err(HoldReason::RootReplaced(_))), "an empty mount point");
    assert!(matches!(bench.write("d0/f0", "peer"), WriteOutcome::Held(_)));
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0);
    fs::remove_dir(bench.folder.path()).unwrap();
    fs::rename(&aside, bench.folder.path()).unwrap();
    assert_eq!(bench.scan(), [""; 0], "the same folder again needs no decision");
    assert!(matches!(bench.write("d0/f0", "peer"), WriteOutcome::Done));
}

#[test]
fn the_watcher_tells_when_the_folder_itself_goes() {
    let mut bench = with_forty().watch();
    let aside = bench.folder.path().with_extension("aside");
    fs::rename(bench.folder.path(), &aside).unwrap();
    let words = bench.settle();
    fs::rename(&aside, bench.folder.path()).unwrap();
    assert!(words.iter().any(|word| word.contains("is missing")), "{words:?}");
    assert_eq!(bench.scan(), [""; 0]);
    assert!(bench.mirror.hold().is_none());
}

#[test]
fn a_mirror_opens_on_hold_when_its_folder_is_another() {
    let mut bench = with_forty();
    let stored = StoredMirror {
        root: Some(bench.mirror.root_identity()),
        rows: bench.mirror.rows().cloned().collect(),
        journal: Vec::new(),
        branch: None,
    };
    let other = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(other.path(), stored, &LocalRules::default()).unwrap();
    assert!(matches!(mirror.hold(), Some(HoldReason::RootReplaced(_))));
    mirror.resume(Decision::Restore).unwrap();
    let batch = mirror.scan(bench.now, &NoOldContent, &mut |_| ()).unwrap();
    assert!(batch.changes.is_empty());
    assert_eq!(mirror.files(), 0, "all forty are to be written there");
    bench.scan();
}

#[test]
fn a_folder_on_another_device_holds() {
    let mut bench = with_forty();
    let mut rows: Vec<MirrorRow> = bench.mirror.rows().cloned().collect();
    for row in &mut rows {
        if row.path.as_str().starts_with("d2") {
            row.stamp.device += 1;
        }
    }
    let stored =
        StoredMirror { root: Some(bench.mirror.root_identity()), rows, journal: Vec::new(), branch: None };
    bench.mirror = Mirror::open(bench.folder.path(), stored, &LocalRules::default()).unwrap();
    let reason = bench.try_scan().unwrap_err();
    assert_eq!(reason, HoldReason::DeviceChanged(Bench::path("d2")));
    bench.mirror.resume(Decision::Restore).unwrap();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn a_device_that_only_got_another_number_is_the_same() {
    let mut bench = with_forty();
    let mut root = bench.mirror.root_identity();
    if root.born_nanos == 0 {
        return;
    }
    let mut rows: Vec<MirrorRow> = bench.mirror.rows().cloned().collect();
    root.device += 7;
    for row in &mut rows {
        row.stamp.device += 7;
    }
    let stored = StoredMirror { root: Some(root), rows, journal: Vec::new(), branch: None };
    bench.mirror = Mirror::open(bench.folder.path(), stored, &LocalRules::default()).unwrap();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn files_that_others_bring_back_are_not_gone() {
    let mut bench = with_forty();
    for _ in 0..4 {
        remove(&bench, 0, 10);
        bench.now += 400;
        assert_eq!(bench.scan().len(), 10);
        for n in 0..10 {
            let outcome = bench.write(&format!("d{}/f{n}", n % 4), &format!("file {n}\n"));
            assert!(matches!(outcome, WriteOutcome::Done), "{outcome:?}");
        }
    }
    assert!(bench.mirror.hold().is_none());
}

#[test]
fn files_that_come_back_are_not_gone() {
    let mut bench = with_forty();
    for _ in 0..4 {
        remove(&bench, 0, 10);
        bench.now += 400;
        assert_eq!(bench.scan().len(), 10);
        for n in 0..10 {
            bench.save(&format!("d{}/f{n}", n % 4), format!("file {n}\n"));
        }
        bench.age();
        bench.now += 400;
        assert_eq!(bench.scan().len(), 10);
    }
    assert!(bench.mirror.hold().is_none());
}
