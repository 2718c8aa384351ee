//! Addresses where nobody is, or somebody else.

use super::{Duration, becomes_connected, cable, shared, stop_all};

/// By how much addresses where nobody answers may hold up the one where somebody does.
const DELAY_MAX: Duration = Duration::from_secs(2);
const TRIES: usize = 3;

#[test]
fn addresses_where_nobody_is_hold_up_nothing() {
    let Some(cable) = cable(2) else { return };
    cable.swallow(1, "10.77.0.66").expect("an address that swallows everything");
    let place = "10.77.0.1:4711";
    // Nobody has the first, the second swallows everything, nothing listens at the third, there is no way to the fourth.
    let dead = ["10.77.0.99:4711", "10.77.0.66:4711", "10.77.0.1:4799", "10.99.0.1:4711"];
    let dead = dead.map(|address| ["--peer", address]).concat();
    let (_root, mut devices) = shared::<2>(Some(&cable), &["--lan", "off"]);
    stop_all(&mut devices);
    let [ana, ben] = &mut devices;
    let mut best = |others: &[&str]| {
        let tries = (0..TRIES).map(|_| {
            let arguments = [&["--lan", "off"], others, &["--peer", place]].concat();
            ana.start_plain_node(&["--lan", "off", "--listen", place]).expect("a node");
            ben.start_plain_node(&arguments).expect("a node");
            let took = becomes_connected(ben, 1);
            ben.stop_node().expect("an end");
            ana.stop_node().expect("an end");
            took
        });
        tries.min().unwrap_or_default()
    };
    let (without, with) = (best(&[]), best(&dead));
    println!("connected after {without:?}, with four dead addresses before the good one after {with:?}");
    assert!(with <= without + DELAY_MAX, "{with:?} instead of {without:?}");
}

/// `--peer` without the id of a device is tried for everybody, so most are looked for where somebody else answers.
#[test]
fn an_address_of_somebody_else_holds_up_nothing() {
    let Some(cable) = cable(3) else { return };
    let (_root, mut devices) = shared::<3>(Some(&cable), &["--lan", "off"]);
    stop_all(&mut devices);
    let [ana, ben, cleo] = &mut devices;
    let (place_of_ana, place_of_cleo) = ("10.77.0.1:4711", "10.77.0.3:4711");
    let times = (0..TRIES).map(|_| {
        ana.start_plain_node(&["--lan", "off", "--listen", place_of_ana]).expect("a node");
        cleo.start_plain_node(&["--lan", "off", "--listen", place_of_cleo]).expect("a node");
        let arguments = ["--lan", "off", "--peer", place_of_ana, "--peer", place_of_cleo];
        ben.start_plain_node(&arguments).expect("a node");
        let took = becomes_connected(ben, 2);
        for device in [&mut *ben, &mut *cleo, &mut *ana] {
            device.stop_node().expect("an end");
        }
        took
    });
    let times: Vec<Duration> = times.collect();
    println!("two found at addresses that were tried for both, after {times:?}");
    assert!(times.iter().min() <= Some(&DELAY_MAX), "{times:?}");
}
