//! A computer that sleeps.

use super::{
    Duration, PATIENCE, becomes_connected, connections, crosses, eventually, files, shared, shown, status_of,
};

/// Longer than any connection lives without a word.
const SLEEP: Duration = Duration::from_secs(40);

#[test]
fn a_computer_that_slept_is_in_step_again() {
    let arguments = ["--lan", "off", "--listen", "127.0.0.1:0"];
    let (_root, devices) = shared::<2>(None, &arguments);
    let [ana, ben] = &devices;
    crosses(ana, &[ben], "before\n");
    let begin = std::time::Instant::now();
    ben.node().expect("a node").freeze().expect("a sleeping computer");
    println!("Ana noticed {:?} after Ben fell asleep", becomes_connected(ana, 0));
    files(ana).write("ana.md", "while Ben slept\n").expect("a save");
    files(ben).write("ben.md", "saved in the sleep\n").expect("a save");
    let lacks = eventually(PATIENCE, || {
        let ben = status_of(ana, "Ben");
        (ben["connected"] == false && ben["has_all_mine"] == false).then_some(())
    });
    println!("Ben sleeps:\n{}", shown(&[ana]));
    assert!(lacks.is_some(), "Ana does not say that Ben lacks her edit");
    // He is not taken for somebody who is there at any time of the sleep.
    while begin.elapsed() < SLEEP {
        assert_eq!(connections(ana), Some(0), "nobody answers");
        std::thread::sleep(Duration::from_secs(1));
    }
    ben.node().expect("a node").thaw().expect("an awake computer");
    let both = eventually(PATIENCE, || {
        (files(ben).read("ana.md").is_some() && files(ana).read("ben.md").is_some()).then_some(())
    });
    let (_, took) = both.unwrap_or_else(|| panic!("the two are not in step:\n{}", shown(&[ana, ben])));
    println!("in step {took:?} after Ben woke up");
    becomes_connected(ana, 1);
    crosses(ana, &[ben], "after\n");
}
