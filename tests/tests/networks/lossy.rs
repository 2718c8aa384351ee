//! A long way that loses packets.

use std::time::Instant;

use super::{Duration, LongWay, PATIENCE, crosses, devices, eventually, files, join, or_skip, shown};

/// One way; a round trip takes twice as long.
const DELAY: Duration = Duration::from_millis(25);
const ONE_LOST_IN: u64 = 50;
const FILES: usize = 300;
/// What each types, letter by letter.
const TYPED: usize = 60;

#[test]
fn a_long_way_that_loses_packets_loses_no_edit() {
    let Some(way) = or_skip(LongWay::new(DELAY, ONE_LOST_IN, 11)) else { return };
    let (_root, mut devices) = devices::<2>([0, 1].map(|number| Some(way.computer(number))));
    let [ana, ben] = &mut devices;
    for number in 0..FILES {
        let text = format!("file {number}\n").repeat(150);
        files(ana).write(&format!("part{}/file{number}.md", number % 12), text).expect("a file");
    }
    ana.start_plain_node(&["--lan", "off", "--listen", LongWay::place(0)]).expect("a node");
    ben.start_plain_node(&["--lan", "off", "--listen", LongWay::place(1)]).expect("a node");
    let took = join(ana, ben);
    let sent = files(ana).snapshot().expect("a folder");
    assert_eq!(files(ben).snapshot().expect("a folder"), sent, "what was joined is not what was shared");
    let bytes: usize = sent.values().map(Vec::len).sum();
    println!("joined {FILES} files, {bytes} bytes, in {took:?}");

    for round in 0..10 {
        let there = crosses(ana, &[ben], &format!("Ana's {round}\n"));
        let back = crosses(ben, &[ana], &format!("Ben's {round}\n"));
        println!("one save there {there:?}, one back {back:?}");
    }

    // Both type at one place at the same time.
    let middle = "the middle\n";
    files(ana).write("both.md", middle).expect("a file");
    let came = eventually(PATIENCE, || (files(ben).read("both.md")? == middle).then_some(()));
    assert!(came.is_some(), "the file did not come");
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for (device, letter) in [(&*ana, "a"), (&*ben, "b")] {
            scope.spawn(move || {
                for _ in 0..TYPED {
                    device.weft(["edit", "notes/both.md", "--insert", "0", letter]).expect("an edit");
                }
            });
        }
    });
    let typed = begin.elapsed();
    let is_whole = |text: &str| {
        let count = |letter| text.matches(letter).count();
        text.ends_with(middle) && count('a') == TYPED && count('b') == TYPED
    };
    let equal = eventually(PATIENCE, || {
        let (ours, theirs) = (files(ana).read("both.md")?, files(ben).read("both.md")?);
        (ours == theirs && is_whole(&ours)).then_some(())
    });
    let (_, settled) = equal.unwrap_or_else(|| panic!("what both typed differs:\n{}", shown(&[ana, ben])));
    println!("{TYPED} edits of each typed in {typed:?}, equal {settled:?} later");
    for number in [0, 1] {
        let passed = way.passed(number);
        println!("computer {number} sent {passed:?}");
        assert!(passed.lost >= 5, "the way lost too little to tell anything: {passed:?}");
    }
}
