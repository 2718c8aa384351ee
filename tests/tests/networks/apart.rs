//! Devices that never meet, with one between them.

use super::{PATIENCE, becomes_connected, cable, connections, crosses, eventually, shared, shown, status_of};

#[test]
fn two_that_never_meet_are_kept_equal_by_a_third() {
    let Some(cable) = cable(3) else { return };
    // Cleo is reached by both; she invited nobody and has nothing special.
    cable.set_apart(1).expect("a network");
    cable.set_apart(2).expect("a network");
    let (_root, mut devices) = shared::<3>(Some(&cable), &[]);
    let [ana, ben, cleo] = &devices;
    for round in 0..3 {
        let there = crosses(ben, &[cleo, ana], &format!("Ben's {round}\n"));
        let back = crosses(cleo, &[ben, ana], &format!("Cleo's {round}\n"));
        println!("by the third: there {there:?}, back {back:?}");
    }
    crosses(ana, &[ben, cleo], "Ana's\n");
    assert_eq!(connections(ana), Some(2));
    assert_eq!([connections(ben), connections(cleo)], [Some(1), Some(1)], "they must not meet");
    let told = eventually(PATIENCE, || {
        let pairs = [(ana, "Ben"), (ana, "Cleo"), (ben, "Ana"), (cleo, "Ana")];
        pairs
            .into_iter()
            .all(|(device, other)| status_of(device, other)["has_all_mine"] == true)
            .then_some(())
    });
    println!("{}", shown(&[ana, ben, cleo]));
    assert!(told.is_some(), "somebody does not say that those whom he meets have everything");
    // What a device holds it tells those whom it meets, and all others when it ends or has much to tell: until then
    // nobody claims to know.
    let status = ben.shown(["status", "notes"]).expect("a status");
    let of_cleo = status.lines().find(|line| line.contains("Cleo")).unwrap_or_default();
    assert!(of_cleo.contains("not connected") && !of_cleo.contains("lacks"), "{of_cleo}");
    devices[2].stop_node().expect("an end");
    let [ana, ben, _] = &devices;
    let told = eventually(PATIENCE, || (status_of(ben, "Cleo")["has_all_mine"] == true).then_some(()));
    assert!(told.is_some(), "Cleo has said at her end that she has everything:\n{}", shown(&[ana, ben]));
    becomes_connected(ana, 1);
    assert_eq!(status_of(ben, "Cleo")["connected"], false);
}
