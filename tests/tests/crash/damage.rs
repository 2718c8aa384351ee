//! Data folders that a disk has damaged: what `weft doctor` says, and that what it says helps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use weft_tests::{PATIENCE, Pair, Person, eventually};

const PAGE: usize = 4096;

/// What the doctor says, and whether it needs nobody.
fn doctor(person: &Person) -> (bool, String) {
    let output = person.device.command(["doctor"]).output().expect("a command");
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), told)
}

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    std::iter::repeat_with(&mut byte).take(length).collect()
}

fn packs(person: &Person) -> Vec<PathBuf> {
    let folder = person.device.home.join("packs");
    let files = fs::read_dir(folder).expect("packs").map(|file| file.expect("a pack").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "pack")).collect()
}

/// Flips a bit in the middle of every page after the first few.
fn flip_bits(database: &Path, from_page: usize) {
    let mut bytes = fs::read(database).expect("a database");
    for page in from_page..bytes.len() / PAGE {
        bytes[page * PAGE + 3_000] ^= 0x10;
    }
    fs::write(database, bytes).expect("a database");
}

/// Does what the doctor says: the data folder is moved away, and the folder joined again.
fn join_again(pair: &mut Pair) {
    let home = pair.ben.device.home.clone();
    fs::rename(&home, home.with_file_name("home.damaged")).expect("a rename");
    fs::create_dir(&home).expect("a folder");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a mode");
    pair.ben.start();
    pair.join(&[]);
    pair.settle();
}

#[test]
fn a_damaged_database_is_told_and_joining_again_brings_everything_back() {
    let binary = bytes(300_000, 1);
    let mut pair =
        Pair::with_files(&[("a.txt", b"one\ntwo\nthree\n"), ("same.txt", b"same\n"), ("b.bin", &binary)]);
    for number in 0..20 {
        let text = format!("one\ntwo\nthree\n{number}\n");
        pair.ana.files.write("a.txt", &text).expect("a save");
        let arrived = eventually(PATIENCE, || (pair.ben.files.read("a.txt")? == text).then_some(()));
        assert!(arrived.is_some(), "save {number} does not arrive");
    }
    pair.settle();
    pair.ben.stop();
    let sent = pair.ben.files.read("a.txt").expect("a text");
    // Edits that only this folder knows.
    pair.ben.files.write("a.txt", sent.clone() + "Ben's own line\n").expect("a save");
    pair.ben.files.write("Ben's own.txt", "Ben's own file\n").expect("a save");
    flip_bits(&pair.ben.device.home.join("store.db"), 3);

    let (is_content, told) = doctor(&pair.ben);
    assert!(!is_content, "{told}");
    assert!(told.contains("damaged") && told.contains("weft join"), "{told}");
    assert_eq!(
        pair.ben.files.read("a.txt"),
        Some(sent + "Ben's own line\n"),
        "the doctor changed the folder"
    );

    join_again(&mut pair);
    let both = pair.both();
    let holds =
        |text: &str| both.values().any(|content| content.windows(text.len()).any(|w| w == text.as_bytes()));
    assert!(holds("Ben's own line") && holds("Ben's own file"), "{:?}", both.keys());
    assert!(holds("three\n19\n"), "{:?}", both.keys());
    assert_eq!(both["same.txt"], b"same\n");
    assert_eq!(both["b.bin"], binary);
    let (is_content, told) = doctor(&pair.ben);
    assert!(is_content, "{told}");
}

#[test]
fn a_database_that_is_no_database_any_more_is_told_with_the_way_out() {
    let mut pair = Pair::with_files(&[("a.txt", b"one\n")]);
    pair.ben.stop();
    pair.ben.files.write("own.txt", "own\n").expect("a save");
    fs::write(pair.ben.device.home.join("store.db"), vec![b'x'; 3 * PAGE]).expect("a database");
    let (is_content, told) = doctor(&pair.ben);
    assert!(!is_content && told.contains("weft join"), "{told}");
    join_again(&mut pair);
    assert_eq!(pair.both()["own.txt"], b"own\n");
    assert_eq!(pair.both()["a.txt"], b"one\n");
}

#[test]
fn contents_of_a_lost_pack_are_put_back_from_the_folder() {
    let (first, second) = (bytes(200_000, 2), bytes(90_000, 3));
    for is_cut in [false, true] {
        let mut pair =
            Pair::before_joining(&[("a.txt", b"one\n"), ("first.bin", &first), ("sub/second.bin", &second)]);
        pair.ana.stop();
        for pack in packs(&pair.ana) {
            let length = fs::metadata(&pack).expect("a pack").len();
            if is_cut {
                fs::File::options()
                    .write(true)
                    .open(&pack)
                    .and_then(|file| file.set_len(length / 3))
                    .expect("a cut");
            } else {
                fs::remove_file(&pack).expect("a pack");
            }
        }
        let (is_content, told) = doctor(&pair.ana);
        assert!(is_content && told.contains("put back from the folder"), "{told}");
        let (is_content, told) = doctor(&pair.ana);
        assert!(is_content && !told.contains("put back"), "{told}");
        // Another device can be given everything again.
        pair.ana.start();
        pair.ben.start();
        pair.join(&[]);
        pair.settle();
        assert_eq!(pair.both()["first.bin"], first);
        assert_eq!(pair.both()["sub/second.bin"], second);
        assert_eq!(pair.text("a.txt"), "one\n");
    }
}

#[test]
fn contents_that_rot_are_told_and_fetched_from_another_device() {
    let mut pair =
        Pair::with_files(&[("a.txt", b"a beginning that is edited later\n"), ("b.bin", &bytes(50_000, 4))]);
    pair.ana.files.write("a.txt", "another text\n").expect("a save");
    pair.settle();
    pair.ana.stop();
    for pack in packs(&pair.ana) {
        let mut bytes = fs::read(&pack).expect("a pack");
        for at in (50..bytes.len()).step_by(40) {
            bytes[at] ^= 1;
        }
        fs::write(&pack, bytes).expect("a pack");
    }
    // What the text began with lies in no file any more: alone this cannot be healed.
    let (is_content, told) = doctor(&pair.ana);
    assert!(!is_content, "{told}");
    assert!(told.contains("are damaged") && told.contains("a.txt") && told.contains("weft node"), "{told}");
    pair.ana.start();
    let healed = eventually(PATIENCE, || {
        let (is_content, told) = doctor(&pair.ana);
        is_content.then_some(told)
    });
    assert!(healed.is_some(), "{}", doctor(&pair.ana).1);
    pair.ana.files.write("a.txt", "another text, and more\n").expect("a save");
    pair.settle();
    assert_eq!(pair.text("a.txt"), "another text, and more\n");
    assert_eq!(pair.both()["b.bin"], bytes(50_000, 4));
}
