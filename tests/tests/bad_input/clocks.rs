//! Clocks that are wrong by years.

use std::ffi::OsString;
use std::process::Command;

use weft_tests::Pair;

use crate::told::weft;

/// What runs a program with another clock; the clock that only counts goes on as it is.
fn shifted(by: &str) -> Option<Vec<OsString>> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/local/lib"];
    let libraries = folders.map(|folder| format!("{folder}/faketime/libfaketime.so.1"));
    let library = libraries.into_iter().find(|path| std::path::Path::new(path).exists())?;
    let wrapper = vec![
        "env".into(),
        format!("LD_PRELOAD={library}").into(),
        format!("FAKETIME={by}").into(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".into(),
        "FAKETIME_NO_CACHE=1".into(),
    ];
    Some(wrapper)
}

/// The year that a program sees.
fn year(wrapper: &[OsString]) -> i32 {
    let mut command = Command::new(&wrapper[0]);
    let output = command.args(&wrapper[1..]).args(["date", "+%Y"]).output().expect("a date");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a year")
}

#[test]
fn a_clock_that_is_years_off_neither_keeps_anybody_out_nor_changes_what_is_merged() {
    for (by, years) in [("-8y", -8), ("+12y", 12)] {
        let Some(wrapper) = shifted(by) else {
            println!("skipped: there is no libfaketime here");
            return;
        };
        assert!((year(&wrapper) - year(&["env".into()]) - years).abs() <= 1, "the clock is not moved");
        let mut pair = Pair::before_joining(&[("a.txt", b"one\ntwo\nthree\n")]);
        pair.ben.device.start_node_through(&wrapper).expect("a node");
        pair.join(&[]);
        pair.settle();
        // Both edit one text in turn, then at once.
        pair.ben.files.write("a.txt", "one, Ben\ntwo\nthree\n").expect("a save");
        pair.settle();
        pair.ana.files.write("a.txt", "one, Ben\ntwo, Ana\nthree\n").expect("a save");
        pair.settle();
        assert_eq!(pair.text("a.txt"), "one, Ben\ntwo, Ana\nthree\n");
        pair.ben.frozen(|ben| {
            pair.ana.files.write("a.txt", "one, Ben\ntwo, Ana\nthree\nAna\n").expect("a save");
            ben.files.write("a.txt", "Ben\none, Ben\ntwo, Ana\nthree\n").expect("a save");
        });
        pair.settle();
        assert_eq!(pair.text("a.txt"), "Ben\none, Ben\ntwo, Ana\nthree\nAna\n");
        // A file of each that the other deletes and makes again.
        pair.ben.files.write("b.txt", "Ben's\n").expect("a file");
        pair.settle();
        std::fs::remove_file(pair.ana.files.path("b.txt")).expect("a deletion");
        pair.settle();
        assert!(!pair.both().contains_key("b.txt"));
        pair.ben.files.write("b.txt", "again\n").expect("a file");
        pair.settle();
        assert_eq!(pair.text("b.txt"), "again\n");
        for person in [&pair.ana, &pair.ben] {
            let history = weft(&person.device, &["history", "notes/a.txt"]);
            history.is_done().says(&["Ana", "Ben"]);
            weft(&person.device, &["blame", "notes/a.txt"]).is_done().says(&["Ana", "Ben"]);
            weft(&person.device, &["log", "notes"]).is_done().says(&["Ana", "Ben"]);
            weft(&person.device, &["doctor"]).is_done();
            println!("{by}: {}", history.text);
        }
        // With a clock that is right again, the device goes on.
        pair.ben.stop();
        pair.ben.start();
        pair.ben.files.write("c.txt", "right time\n").expect("a file");
        pair.settle();
        assert_eq!(pair.text("c.txt"), "right time\n");
    }
}
