//! Programs that save an old copy over what others have written meanwhile.

use std::fs;

use weft_tests::{PATIENCE, Pair, eventually};

const POEM: &str = "first\nsecond\nthird\n";
const ANAS: &str = "first\nAna's paragraph\nsecond\nthird\n";

/// Ben's editor has loaded the text; after that Ana's paragraph came to his disk.
fn loaded_and_outdated() -> Pair {
    let mut pair = Pair::with_files(&[("a.txt", POEM.as_bytes()), ("other.txt", b"x\n")]);
    assert_eq!(pair.ben.files.read("a.txt").as_deref(), Some(POEM));
    pair.ana.files.write("a.txt", ANAS).expect("a save");
    arrives(&pair, "a.txt", ANAS);
    pair.settle();
    pair
}

/// Waits for a text without opening the file: whoever reads it leaves evidence.
fn arrives(pair: &Pair, path: &str, text: &str) {
    let arrived = eventually(PATIENCE, || {
        let data = fs::metadata(pair.ben.files.path(path)).ok()?;
        (data.len() == text.len() as u64).then_some(())
    });
    assert!(arrived.is_some(), "{path} did not come");
}

#[test]
fn an_old_copy_that_nobody_refreshed_deletes_nothing() {
    let mut pair = Pair::with_files(&[("a.txt", POEM.as_bytes())]);
    for n in 0..3 {
        let text = format!("{POEM}Ana {n}\n");
        pair.ana.files.write("a.txt", &text).expect("a save");
        arrives(&pair, "a.txt", &text);
    }
    pair.ben.files.write("a.txt", format!("Ben\n{POEM}")).expect("a save");
    pair.settle();
    assert_eq!(pair.text("a.txt"), format!("Ben\n{POEM}Ana 2\n"));
}

#[test]
fn an_old_copy_deletes_nothing_although_another_program_has_read_the_new_text() {
    // The folder was compared, so the new text was read by somebody.
    let mut pair = loaded_and_outdated();
    pair.ben.files.write("a.txt", format!("{POEM}Ben\n")).expect("a save");
    pair.settle();
    assert_eq!(pair.text("a.txt"), format!("{ANAS}Ben\n"));
}

#[test]
fn an_old_copy_saved_again_and_again_deletes_nothing_and_doubles_nothing() {
    let mut pair = Pair::with_files(&[("a.txt", POEM.as_bytes())]);
    pair.ana.files.write("a.txt", ANAS).expect("a save");
    arrives(&pair, "a.txt", ANAS);
    let mut mine = String::new();
    for n in 0..4 {
        mine += &format!("Ben {n}\n");
        pair.ben.files.write("a.txt", format!("{POEM}{mine}")).expect("a save");
        // Twice the merged text gets the time to reach the disk, twice not.
        if n % 2 == 0 {
            arrives(&pair, "a.txt", &format!("{ANAS}{mine}"));
        }
    }
    pair.settle();
    assert_eq!(pair.text("a.txt"), format!("{ANAS}{mine}"));
}

#[test]
fn a_deliberate_deletion_holds_at_the_second_save_at_the_latest() {
    let mut pair = loaded_and_outdated();
    pair.ben.files.write("a.txt", POEM).expect("a save");
    pair.settle();
    if pair.text("a.txt") != POEM {
        assert_eq!(pair.text("a.txt"), ANAS);
        pair.ben.files.write("a.txt", POEM).expect("a save");
        pair.settle();
    }
    assert_eq!(pair.text("a.txt"), POEM);
}

#[test]
fn a_deletion_of_ones_own_text_holds_at_once() {
    let mut pair = loaded_and_outdated();
    pair.ana.files.write("a.txt", POEM).expect("a save");
    pair.settle();
    assert_eq!(pair.text("a.txt"), POEM);
}

#[test]
fn a_change_inside_of_the_others_text_is_a_change_and_no_old_copy() {
    let mut pair = loaded_and_outdated();
    let edited = ANAS.replace("Ana's paragraph", "Ana's long paragraph");
    pair.ben.files.write("a.txt", &edited).expect("a save");
    pair.settle();
    assert_eq!(pair.text("a.txt"), edited);
    let shortened = edited.replace("Ana's long paragraph", "Ana's words");
    pair.ben.files.write("a.txt", &shortened).expect("a save");
    pair.settle();
    assert_eq!(pair.text("a.txt"), shortened);
}

#[test]
fn a_command_that_replaces_the_text_means_it() {
    let pair = loaded_and_outdated();
    let mut pair = pair;
    let path = pair.ben.files.path("a.txt");
    pair.ben
        .device
        .weft_with_input(["edit".as_ref(), path.as_os_str(), "--stdin".as_ref()], POEM)
        .expect("an edit");
    pair.settle();
    assert_eq!(pair.text("a.txt"), POEM);
}

#[test]
fn an_old_copy_saved_while_no_node_ran_deletes_nothing() {
    let mut pair = loaded_and_outdated();
    pair.ben.stop();
    pair.ben.files.write("a.txt", format!("{POEM}Ben\n")).expect("a save");
    pair.ana.files.write("a.txt", format!("{ANAS}Ana again\n")).expect("a save");
    pair.ben.start();
    pair.settle();
    let text = pair.text("a.txt");
    // Without a running node nobody knows which version the writer had; what came after that node ended stays.
    for part in ["Ben\n", "Ana again\n", POEM.lines().next().expect("a line")] {
        assert_eq!(text.matches(part).count(), 1, "{part:?} in {text:?}");
    }
}
