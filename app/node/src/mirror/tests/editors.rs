//! Ways of saving, reproduced from what editors ask of the system.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::*;

const OLD: &str = "line one\nline two\nline three\n";
const NEW: &str = "line one\nline two, edited\nline three\n";

fn opened() -> Bench {
    Bench::with_files(&[("src/main.rs", OLD)]).watch()
}

fn assert_one_save(mut bench: Bench) -> Bench {
    assert_eq!(bench.settle(), ["modified src/main.rs"]);
    assert_eq!(bench.saves[0].1, NEW.as_bytes());
    assert_eq!(bench.text("src/main.rs"), NEW);
    assert_eq!(bench.rows(), ["src", "src/main.rs"]);
    bench
}

#[test]
fn vim_renames_to_a_backup_and_writes_anew() {
    let bench = opened();
    // A test of whether new files can be made here, then the backup, then the save.
    fs::write(bench.at("src/4913"), "").unwrap();
    fs::remove_file(bench.at("src/4913")).unwrap();
    fs::write(bench.at("src/.main.rs.swp"), "b0VIM 8.2").unwrap();
    fs::rename(bench.at("src/main.rs"), bench.at("src/main.rs~")).unwrap();
    fs::write(bench.at("src/main.rs"), NEW).unwrap();
    fs::remove_file(bench.at("src/main.rs~")).unwrap();
    assert_one_save(bench);
}

#[test]
fn vim_slowly_is_still_no_rename() {
    let mut bench = opened();
    fs::rename(bench.at("src/main.rs"), bench.at("src/main.rs~")).unwrap();
    let events = [("src/main.rs", Hint::Other), ("src/main.rs~", Hint::MovedIn)];
    assert_eq!(bench.check(&events), [""; 0], "the second half of a save may come");
    bench.now += 100;
    assert_eq!(bench.check(&[]), [""; 0]);
    fs::write(bench.at("src/main.rs"), NEW).unwrap();
    assert_eq!(bench.check(&[("src/main.rs", Hint::Closed)]), ["modified src/main.rs"]);
}

#[test]
fn a_rename_to_a_backup_name_that_stays_is_a_rename() {
    let mut bench = Bench::with_files(&[("notes", OLD)]);
    fs::rename(bench.at("notes"), bench.at("notes.bak")).unwrap();
    let events = [("notes", Hint::Other), ("notes.bak", Hint::MovedIn)];
    assert_eq!(bench.check(&events), [""; 0]);
    bench.now += 500;
    assert_eq!(bench.check(&[]), ["renamed notes -> notes.bak"]);
}

#[test]
fn emacs_keeps_its_backup() {
    let mut bench = opened();
    fs::rename(bench.at("src/main.rs"), bench.at("src/main.rs~")).unwrap();
    fs::write(bench.at("src/main.rs"), NEW).unwrap();
    let mut words = bench.settle();
    words.sort();
    assert_eq!(words, ["created src/main.rs~", "modified src/main.rs"]);
    assert_eq!(bench.text("src/main.rs~"), OLD);
}

#[test]
fn vs_code_truncates_and_writes() {
    let bench = opened();
    let mut file = OpenOptions::new().write(true).truncate(true).open(bench.at("src/main.rs")).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    file.write_all(NEW.as_bytes()).unwrap();
    drop(file);
    let bench = assert_one_save(bench);
    assert_eq!(bench.saves.len(), 1, "the empty file in between is no save");
}

#[test]
fn jetbrains_writes_a_temporary_and_moves_the_old_file_away() {
    let bench = opened();
    fs::write(bench.at("src/main.rs___jb_tmp___"), NEW).unwrap();
    fs::rename(bench.at("src/main.rs"), bench.at("src/main.rs___jb_old___")).unwrap();
    fs::rename(bench.at("src/main.rs___jb_tmp___"), bench.at("src/main.rs")).unwrap();
    fs::remove_file(bench.at("src/main.rs___jb_old___")).unwrap();
    assert_one_save(bench);
}

#[test]
fn an_atomic_save_renames_over_the_name() {
    for temporary in
        ["src/.main.rs.aB3xYz", "src/main.rs.tmp", "src/.goutputstream-XYZ123", "src/main.rs.1234567"]
    {
        let bench = opened();
        fs::write(bench.at(temporary), NEW).unwrap();
        fs::rename(bench.at(temporary), bench.at("src/main.rs")).unwrap();
        assert_one_save(bench);
    }
}

#[test]
fn an_atomic_save_from_another_folder_is_a_save_too() {
    let bench = opened();
    let outside = tempfile::tempdir_in(bench.folder.path().parent().unwrap()).unwrap();
    fs::write(outside.path().join("x"), NEW).unwrap();
    fs::rename(outside.path().join("x"), bench.at("src/main.rs")).unwrap();
    assert_one_save(bench);
}

#[test]
fn an_exchange_of_names_is_a_save() {
    let bench = opened();
    fs::write(bench.at("src/main.rs.new"), NEW).unwrap();
    let (a, b) = (bench.at("src/main.rs.new"), bench.at("src/main.rs"));
    rustix::fs::renameat_with(rustix::fs::CWD, a, rustix::fs::CWD, b, rustix::fs::RenameFlags::EXCHANGE)
        .unwrap();
    fs::remove_file(bench.at("src/main.rs.new")).unwrap();
    assert_one_save(bench);
}

#[test]
fn sed_in_place_is_a_save() {
    let bench = opened();
    fs::write(bench.at("src/sedAb12Cd"), NEW).unwrap();
    fs::rename(bench.at("src/sedAb12Cd"), bench.at("src/main.rs")).unwrap();
    assert_one_save(bench);
}

#[test]
fn a_file_removed_and_made_again_keeps_its_node() {
    let mut bench = opened();
    let node = bench.mirror.row(&Bench::path("src/main.rs")).unwrap().node;
    fs::remove_file(bench.at("src/main.rs")).unwrap();
    fs::write(bench.at("src/main.rs"), NEW).unwrap();
    assert_eq!(bench.settle(), ["modified src/main.rs"]);
    assert_eq!(bench.mirror.row(&Bench::path("src/main.rs")).unwrap().node, node);
}
