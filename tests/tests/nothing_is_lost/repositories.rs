//! Programs that write many files at once, on both sides: formatters and git.

use std::{fs, path::Path, process::Command};

use weft_tests::{Files, PATIENCE, Pair, Row, eventually};

fn git(files: &Files, words: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "gc.auto=0"]);
    let output = command.args(words).current_dir(&files.root).output().expect("git");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn source(n: usize, is_formatted: bool) -> String {
    let indent = if is_formatted { "    " } else { "\t" };
    (0..40).map(|line| format!("{indent}let value_{line} = compute({n}, {line});\n")).collect()
}

#[test]
fn the_same_formatter_on_both_sides_formats_once() {
    let names: Vec<String> = (0..6).map(|n| format!("src/file{n}.rs")).collect();
    let files: Vec<(&str, String)> =
        names.iter().enumerate().map(|(n, name)| (name.as_str(), source(n, false))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let format = |files: &Files| {
        for (n, name) in names.iter().enumerate() {
            files.write(name, source(n, true)).expect("a save");
        }
    };
    Row::with(&files).run(format, format, |both| {
        let mut paths: Vec<&str> = names.iter().map(String::as_str).collect();
        paths.push("src/");
        both.has_only(&paths);
        for (n, name) in names.iter().enumerate() {
            both.holds(name, source(n, true));
        }
    });
}

/// The workspace is a git repository that both have cloned, with the branches `main` and `other`.
fn with_repository() -> Pair {
    let mut pair =
        Pair::with_files(&[("README.md", b"# Read me\n"), ("src/lib.rs", source(0, false).as_bytes())]);
    let ana = pair.ana.files.clone();
    git(&ana, &["init", "--quiet", "--initial-branch=main"]);
    git(&ana, &["add", "README.md", "src"]);
    git(&ana, &["commit", "--quiet", "--message=Begin"]);
    let clone = pair.elsewhere().join("clone");
    let made = Files::new(&clone).expect("a folder");
    copy_folder(&ana.path(".git"), &made.path(".git"));
    git(&made, &["checkout", "--quiet", "--force", "-b", "other"]);
    made.write("README.md", "# Read me\n\nThis is the other branch.\n").expect("a file");
    made.write("src/lib.rs", source(0, true)).expect("a file");
    for n in 0..8 {
        made.write(&format!("src/part/only{n}.rs"), source(n, true)).expect("a file");
    }
    git(&made, &["add", "."]);
    git(&made, &["commit", "--quiet", "--message=Go on"]);
    fs::remove_dir_all(ana.path(".git")).expect("a deletion");
    for files in [&pair.ana.files, &pair.ben.files] {
        copy_folder(&made.path(".git"), &files.path(".git"));
        git(files, &["symbolic-ref", "HEAD", "refs/heads/main"]);
        git(files, &["reset", "--quiet"]);
    }
    pair.settle();
    pair
}

/// Checks a branch out; what the folder holds then.
fn branch(files: &Files, name: &str) -> weft_tests::Snapshot {
    git(files, &["checkout", "--quiet", "--force", name]);
    tracked(files).expect("a folder")
}

/// How many versions a file has had.
fn history_len(pair: &Pair, path: &str) -> usize {
    let path = pair.ana.files.path(path);
    let history = pair.ana.device.weft(["history".as_ref(), path.as_os_str()]).expect("a history");
    history.field("versions").as_array().map_or(0, Vec::len)
}

/// What lies in a folder but the marks by which the test sees how far things are.
fn tracked(files: &Files) -> Option<weft_tests::Snapshot> {
    let mut snapshot = files.snapshot().ok()?;
    snapshot.retain(|path, _| !path.starts_with("mark of "));
    Some(snapshot)
}

#[track_caller]
fn both_have(pair: &Pair, wanted: &weft_tests::Snapshot) {
    let agreed = eventually(PATIENCE, || {
        (tracked(&pair.ana.files).as_ref() == Some(wanted)
            && tracked(&pair.ben.files).as_ref() == Some(wanted))
        .then_some(())
    });
    let differs = |files: &Files| -> Vec<(String, String)> {
        let found = tracked(files).unwrap_or_default();
        let paths = found.keys().chain(wanted.keys()).filter(|path| found.get(*path) != wanted.get(*path));
        paths
            .map(|path| {
                (path.clone(), String::from_utf8_lossy(found.get(path).map_or(b"-", Vec::as_slice)).into())
            })
            .collect()
    };
    assert!(agreed.is_some(), "Ana: {:#?}\nBen: {:#?}", differs(&pair.ana.files), differs(&pair.ben.files));
}

#[test]
fn the_same_commit_pulled_on_both_sides_is_there_once() {
    let mut pair = with_repository();
    let Pair { ana, ben, .. } = &mut pair;
    // Else git refuses the second one: the files are there already.
    ben.frozen(|ben| {
        git(&ana.files, &["merge", "--quiet", "other"]);
        git(&ben.files, &["merge", "--quiet", "other"]);
    });
    let wanted = tracked(&pair.ana.files).expect("a folder");
    assert_eq!(wanted.len(), 12, "{:?}", wanted.keys());
    both_have(&pair, &wanted);
    pair.ana.device.wait_synced(&pair.ana.files.root, 1, PATIENCE).expect("synced");
    both_have(&pair, &wanted);
}

#[test]
fn the_same_commit_pulled_apart_is_there_once() {
    let mut pair = with_repository();
    pair.ben.stop();
    git(&pair.ana.files, &["merge", "--quiet", "other"]);
    git(&pair.ben.files, &["merge", "--quiet", "other"]);
    let wanted = tracked(&pair.ana.files).expect("a folder");
    pair.ben.start();
    both_have(&pair, &wanted);
    pair.ben.device.wait_synced(&pair.ben.files.root, 1, PATIENCE).expect("synced");
    both_have(&pair, &wanted);
}

#[test]
fn git_checkout_of_everything_gives_gits_bytes_at_once() {
    let pair = with_repository();
    let committed = tracked(&pair.ana.files).expect("a folder");
    pair.ana.files.write("README.md", "# Read me\n\nAna's paragraph\n").expect("a save");
    pair.ben.files.write("src/lib.rs", format!("// Ben\n{}", source(0, false))).expect("a save");
    let arrived = eventually(PATIENCE, || {
        let (ana, ben) = (tracked(&pair.ana.files)?, tracked(&pair.ben.files)?);
        let changed = |path: &str| ana.get(path) != committed.get(path);
        (ana == ben && changed("README.md") && changed("src/lib.rs")).then_some(())
    });
    assert!(arrived.is_some());
    git(&pair.ben.files, &["checkout", "."]);
    both_have(&pair, &committed);
}

#[test]
fn a_branch_is_one_line_to_all_and_held_where_the_workspace_wants_it() {
    let pair = with_repository();
    let main = tracked(&pair.ana.files).expect("a folder");
    let other = branch(&pair.ana.files, "other");
    both_have(&pair, &other);
    let log = pair.ben.device.command(["log"]).current_dir(&pair.ben.files.root).output().expect("a command");
    let told = String::from_utf8_lossy(&log.stdout).into_owned();
    assert_eq!(told.matches("switched to branch other: 10 files").count(), 1, "{told}");
    branch(&pair.ana.files, "main");
    both_have(&pair, &main);

    let root = pair.ana.files.root.as_os_str();
    pair.ana
        .device
        .weft(["policy".as_ref(), root, "--branch-switch".as_ref(), "hold".as_ref()])
        .expect("set");
    let holds = |answer: weft_tests::Answer| answer.field("branch_switch") == "hold";
    let known = eventually(PATIENCE, || {
        let told = pair.ben.device.weft(["policy".as_ref(), pair.ben.files.root.as_os_str()]).ok()?;
        holds(told).then_some(())
    });
    assert!(known.is_some(), "Ben hears of the policy");
    let other = branch(&pair.ben.files, "other");
    let state = |wanted: &str| {
        let status = eventually(PATIENCE, || {
            let status = pair.ben.device.weft(["status".as_ref(), pair.ben.files.root.as_os_str()]).ok()?;
            (status.field("state") == wanted).then_some(())
        });
        assert!(status.is_some(), "Ben's folder is {wanted}");
    };
    state("held");
    pair.ana.files.write("README.md", "# Read me\n\nof Ana\n").expect("a save");
    assert_eq!(tracked(&pair.ben.files).expect("a folder"), other, "nothing is written into the folder");
    assert_eq!(tracked(&pair.ana.files).expect("a folder").len(), main.len(), "and nothing sent");
    // Back again, and it goes on.
    branch(&pair.ben.files, "main");
    state("active");
    let mut wanted = main;
    wanted.insert("README.md".to_owned(), b"# Read me\n\nof Ana\n".to_vec());
    both_have(&pair, &wanted);
    // Or everybody gets it.
    branch(&pair.ben.files, "other");
    state("held");
    let words = ["mirror".as_ref(), "resume".as_ref(), pair.ben.files.root.as_os_str(), "--share".as_ref()];
    pair.ben.device.weft(words).expect("shared");
    let shared =
        eventually(PATIENCE, || (pair.ana.files.read("src/part/only3.rs")? == source(3, true)).then_some(()));
    assert!(shared.is_some(), "Ana has the branch");
    assert_eq!(pair.ana.digest(), pair.ben.digest());
}

#[test]
fn a_branch_switched_a_hundred_times_by_two_people_leaves_no_traces() {
    let pair = with_repository();
    let other = branch(&pair.ana.files, "other");
    both_have(&pair, &other);
    let main = branch(&pair.ben.files, "main");
    both_have(&pair, &main);
    let lasting = branch(&pair.ana.files, "other");
    assert_eq!(lasting, other, "files that came back are the files that went");
    both_have(&pair, &other);
    let before = history_len(&pair, "src/part/only3.rs");
    for round in 0..20 {
        let files = if round % 2 == 0 { &pair.ben.files } else { &pair.ana.files };
        let mut wanted = other.clone();
        for switch in 0..5 {
            let name = if (round + switch) % 2 == 0 { "main" } else { "other" };
            wanted = branch(files, name);
        }
        both_have(&pair, &wanted);
    }
    branch(&pair.ana.files, "other");
    both_have(&pair, &other);
    assert_eq!(history_len(&pair, "src/part/only3.rs"), before, "going and coming back is no edit");
    assert_eq!(pair.ana.digest(), pair.ben.digest());
}
