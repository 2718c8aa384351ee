//! Renames from outside.

use std::fs;

use super::*;

#[test]
fn a_renamed_file_keeps_its_node() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("d/x", "two\n")]).watch();
    let node = bench.mirror.row(&Bench::path("a")).unwrap().node;
    fs::rename(bench.at("a"), bench.at("d/b")).unwrap();
    assert_eq!(bench.settle(), ["renamed a -> d/b"]);
    assert_eq!(bench.mirror.row(&Bench::path("d/b")).unwrap().node, node);
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn the_halves_of_a_rename_may_come_apart() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("d/x", "two\n")]);
    fs::rename(bench.at("a"), bench.at("d/b")).unwrap();
    assert_eq!(bench.check(&[("a", Hint::Other)]), [""; 0]);
    bench.now += 5;
    assert_eq!(bench.check(&[("d/b", Hint::MovedIn)]), ["renamed a -> d/b"]);
    fs::rename(bench.at("d/b"), bench.at("c")).unwrap();
    assert_eq!(bench.check(&[("c", Hint::MovedIn)]), ["renamed d/b -> c"], "the new half alone is enough");
}

#[test]
fn a_folder_is_renamed_as_one() {
    let mut bench = Bench::with_files(&[("d/a", "1\n"), ("d/e/b", "2\n"), ("d/e/c", "3\n")]).watch();
    fs::rename(bench.at("d"), bench.at("new")).unwrap();
    assert_eq!(bench.settle(), ["renamed d -> new"]);
    assert_eq!(bench.rows(), ["new", "new/a", "new/e", "new/e/b", "new/e/c"]);
    bench.save("new/e/b", "2, edited\n");
    assert_eq!(bench.settle(), ["modified new/e/b"], "and it is still watched");
    fs::rename(bench.at("new/e"), bench.at("e")).unwrap();
    bench.save("e/c", "3, edited\n");
    assert_eq!(bench.settle(), ["renamed new/e -> e", "modified e/c"]);
}

#[test]
fn a_folder_with_a_thousand_files_is_renamed_as_one() {
    let names: Vec<String> = (0..1000).map(|number| format!("d/f{number}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let mut bench = Bench::with_files(&files).watch();
    fs::rename(bench.at("d"), bench.at("e")).unwrap();
    assert_eq!(bench.settle(), ["renamed d -> e"]);
    assert_eq!(bench.mirror.files(), 1000);
    // While nobody looks, too.
    fs::rename(bench.at("e"), bench.at("f")).unwrap();
    assert_eq!(bench.scan(), ["renamed e -> f"]);
}

#[test]
fn a_thousand_files_renamed_one_by_one_are_no_deletion() {
    let names: Vec<String> = (0..1000).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let mut bench = Bench::with_files(&files).watch();
    for name in &names {
        fs::rename(bench.at(name), bench.at(&format!("{name}.txt"))).unwrap();
    }
    let words = bench.settle();
    assert_eq!(words.iter().filter(|word| word.starts_with("renamed")).count(), 1000, "{words:?}");
    assert_eq!(words.len(), 1000);
}

#[test]
fn a_rename_with_an_edit_is_both() {
    let mut bench = Bench::with_files(&[("a", "one\ntwo\nthree\n")]);
    fs::rename(bench.at("a"), bench.at("b")).unwrap();
    bench.save("b", "one\ntwo\nthree\nfour\n");
    bench.age();
    assert_eq!(bench.scan(), ["renamed a -> b", "modified b"]);
    assert_eq!(bench.saves[0].2.version, bench.contents.put(b"one\ntwo\nthree\n"));
}

#[test]
fn a_copy_with_the_same_bytes_is_a_rename_if_the_old_one_is_gone() {
    let mut bench = Bench::with_files(&[("a", "some text\n"), ("b", "other text\n")]);
    fs::copy(bench.at("a"), bench.at("c")).unwrap();
    fs::remove_file(bench.at("a")).unwrap();
    bench.age();
    assert_eq!(bench.scan(), ["renamed a -> c"]);
}

#[test]
fn equal_bytes_that_fit_twice_are_no_rename() {
    let mut bench = Bench::with_files(&[("a", "same\n"), ("b", "x\n")]);
    fs::write(bench.at("c"), "same\n").unwrap();
    fs::write(bench.at("d"), "same\n").unwrap();
    fs::remove_file(bench.at("a")).unwrap();
    bench.age();
    assert_eq!(bench.scan(), ["created c", "created d", "removed a"]);
}

#[test]
fn a_text_that_is_mostly_the_same_is_a_rename() {
    let old = "one\ntwo\nthree\nfour\nfive\n";
    let mut bench = Bench::with_files(&[("a", old), ("b", "x\n")]);
    fs::write(bench.at("c"), "one\ntwo\nthree\nsomething else\nquite\n").unwrap();
    fs::remove_file(bench.at("a")).unwrap();
    bench.age();
    assert_eq!(bench.scan(), ["renamed a -> c", "modified c"], "three of five lines");
    let mut bench = Bench::with_files(&[("a", old), ("b", "x\n")]);
    fs::write(bench.at("c"), "one\ntwo\nsomething else\nquite\nother\n").unwrap();
    fs::remove_file(bench.at("a")).unwrap();
    bench.age();
    assert_eq!(bench.scan(), ["created c", "removed a"], "two of five");
}

#[test]
fn a_number_given_out_again_is_no_rename() {
    let mut bench = Bench::with_files(&[("a", "one\n"), ("k", "keep\n")]).watch();
    fs::remove_file(bench.at("a")).unwrap();
    bench.save("z", "nothing like it\n");
    let mut words = bench.settle();
    words.sort();
    assert_eq!(words, ["created z", "removed a"]);
}

#[test]
fn two_folders_change_places() {
    let mut bench = Bench::with_files(&[("a/x", "1\n"), ("b/y", "2\n")]);
    let node = bench.mirror.row(&Bench::path("a/x")).unwrap().node;
    fs::rename(bench.at("a"), bench.at("t")).unwrap();
    fs::rename(bench.at("b"), bench.at("a")).unwrap();
    fs::rename(bench.at("t"), bench.at("b")).unwrap();
    assert_eq!(bench.scan(), ["renamed a -> b", "renamed b -> a"]);
    assert_eq!(bench.rows(), ["a", "a/y", "b", "b/x"]);
    assert_eq!(bench.mirror.row(&Bench::path("b/x")).unwrap().node, node);
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn moves_inside_a_moved_folder_are_told_one_after_the_other() {
    let mut bench = Bench::with_files(&[("a/b/x", "1\n"), ("a/y", "2\n"), ("a/z", "3\n")]);
    fs::rename(bench.at("a"), bench.at("n")).unwrap();
    fs::rename(bench.at("n/b"), bench.at("n/c")).unwrap();
    fs::rename(bench.at("n/y"), bench.at("n/c/y")).unwrap();
    fs::remove_file(bench.at("n/z")).unwrap();
    bench.save("n/c/x", "1, edited\n");
    bench.age();
    assert_eq!(
        bench.scan(),
        ["renamed a -> n", "renamed n/b -> n/c", "renamed n/y -> n/c/y", "modified n/c/x", "removed n/z"]
    );
    assert_eq!(bench.rows(), ["n", "n/c", "n/c/x", "n/c/y"]);
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn a_folder_that_was_made_anew_keeps_its_node() {
    let mut bench = Bench::with_files(&[("d/a", "1\n"), ("k", "2\n")]);
    let node = bench.mirror.row(&Bench::path("d")).unwrap().node;
    fs::rename(bench.at("d"), bench.at("d.orig")).unwrap();
    fs::create_dir(bench.at("d")).unwrap();
    fs::write(bench.at("d/a"), "1\n").unwrap();
    bench.age();
    let words = bench.scan();
    assert!(!words.iter().any(|word| word.starts_with("removed")), "{words:?}");
    assert_eq!(bench.mirror.row(&Bench::path("d")).unwrap().node, node);
    assert!(words.contains(&"created d.orig/".to_owned()), "{words:?}");
}
