//! Joining: previews, and many new files at once.

use std::collections::BTreeMap;
use std::fs;

use super::*;

fn wanted(files: &[(&str, &str)]) -> BTreeMap<RelPath, (ContentHash, u64)> {
    let entry = |text: &str| (*blake3::hash(text.as_bytes()).as_bytes(), text.len() as u64);
    files.iter().map(|(path, text)| (Bench::path(path), entry(text))).collect()
}

#[test]
fn a_preview_lists_equal_new_and_different_and_changes_nothing() {
    let bench = Bench::new();
    bench.save("same", "x\n");
    bench.save("other", "mine\n");
    bench.save("d/own", "mine\n");
    bench.save(".env", "hush");
    let wanted = wanted(&[("same", "x\n"), ("other", "theirs\n"), ("d/new", "12345"), (".env", "theirs")]);
    let found = preview(bench.folder.path(), &wanted, &LocalRules::default()).unwrap();
    assert_eq!(found.equal, [Bench::path("same")]);
    assert_eq!(found.different, [Bench::path(".env"), Bench::path("other")]);
    assert_eq!(found.missing_here, [Bench::path("d/new")]);
    assert_eq!(found.only_here, [Bench::path("d/own")]);
    assert_eq!(found.bytes_to_write, 5);
    assert!(!bench.at("d/new").exists());
    let nowhere = preview(&bench.at("nowhere"), &wanted, &LocalRules::default()).unwrap();
    assert_eq!(nowhere.missing_here.len(), 4);
    assert!(!bench.at("nowhere").exists());
}

#[test]
fn joining_into_files_takes_the_equal_ones_and_keeps_the_others() {
    let mut bench = Bench::new();
    bench.save("same", "x\n");
    bench.save("other", "mine\n");
    assert!(matches!(bench.write("same", "x\n"), WriteOutcome::Done));
    assert!(matches!(bench.write("other", "theirs\n"), WriteOutcome::Blocked(Obstacle::Occupied)));
    assert_eq!(bench.text("other"), "mine\n");
    bench.age();
    assert_eq!(bench.scan(), ["created other"]);
}

fn join_ops(files: usize) -> Vec<WriteOp> {
    let mut ops: Vec<WriteOp> = (0..40)
        .map(|folder| WriteOp::MakeFolder { path: Bench::path(&format!("d{folder}")), node: [1; 16] })
        .collect();
    ops.extend((0..files).map(|number| {
        let path = Bench::path(&format!("d{}/file{number}.rs", number * 40 / files));
        let content = Content::from_bytes(format!("// {number}\n").repeat(200));
        WriteOp::File { path, node: [2; 16], version: vec![3; 32], content, executable: false }
    }));
    ops
}

#[test]
fn many_new_files_are_written_and_known() {
    let mut bench = Bench::new().watch();
    let outcomes = bench.mirror.write(bench.now, join_ops(1_000));
    assert!(outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Done)));
    assert_eq!(bench.mirror.files(), 1_000);
    assert_eq!(bench.settle(), [""; 0]);
    assert_eq!(bench.scan(), [""; 0]);
    let twice = bench.mirror.write(bench.now + 1_000, join_ops(1_000));
    assert!(twice.iter().all(|outcome| matches!(outcome, WriteOutcome::Done)), "and again resumes");
}

/// Prints the cost of writing and scanning 10,000 files against a plain program's;
/// run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a test"]
fn measure_ten_thousand_files() {
    let mut plain_times = Vec::new();
    let mut times = Vec::new();
    for _ in 0..5 {
        let mut bench = Bench::new();
        let ops = join_ops(10_000);
        let started = Instant::now();
        let outcomes = bench.mirror.write(bench.now, ops);
        times.push(started.elapsed());
        assert!(outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Done)));
        let started = Instant::now();
        bench.scan();
        let scan = started.elapsed();
        drop(bench);
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<(std::path::PathBuf, String)> = (0..10_000)
            .map(|number: usize| {
                let path = folder.path().join(format!("d{}/file{number}.rs", number * 40 / 10_000));
                (path, format!("// {number}\n").repeat(200))
            })
            .collect();
        let started = Instant::now();
        for number in 0..40 {
            fs::create_dir(folder.path().join(format!("d{number}"))).unwrap();
        }
        for (path, text) in &files {
            fs::write(path, text).unwrap();
        }
        plain_times.push(started.elapsed());
        {
            eprintln!(
                "mirror {:?}, plain {:?}, scan {scan:?}",
                times.last().unwrap(),
                plain_times.last().unwrap()
            );
        }
    }
    let best = |times: &[Duration]| times.iter().min().copied().unwrap();
    let ratio = best(&times).as_secs_f64() / best(&plain_times).as_secs_f64();
    {
        eprintln!("ratio of the best: {ratio:.2}");
    }
}
