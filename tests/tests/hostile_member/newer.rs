//! A member whose program is newer than those of the others.

use weft_sync::{Entry, Kind};
use weft_tests::{PATIENCE, eventually};

use crate::{House, on_low_priority};

/// What it writes is kept, everybody is told to update, and goes on as before.
#[test]
fn who_uses_a_newer_weft_is_noticed_and_the_person_is_told_to_update() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    let peer = runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    let before = house.pair.ana.device.shown(["status", "notes"]).expect("a status");
    assert!(!before.contains("newer Weft"), "{before}");
    let last = runtime.block_on(async {
        let line = wire.steady_line(&mut mallory, peer).await;
        let (log, open) = mallory.begin();
        let mut header = mallory.header(&log, Kind::Unknown(200));
        header.ver = 2;
        let newer = Entry::sign(header, vec![1, 2, 3], mallory.keys.signing_key()).expect("an entry");
        wire.send(line, &[open, newer.clone()]).await.expect("a listening node");
        newer.entry_ref()
    });
    for person in house.people() {
        let came = eventually(PATIENCE, || {
            let status = person.status();
            let seq = status.field("frontier").as_object()?.get(&last.log.to_string())?.as_u64()?;
            (seq == last.seq && status.text("state") == "waiting").then_some(())
        });
        assert!(came.is_some(), "{:?}", person.status());
        let shown = person.device.shown(["status", "notes"]).expect("a status");
        for words in ["uses a newer Weft", "update this one"] {
            assert!(shown.contains(words), "{words:?} is not in {shown}");
        }
        person.device.weft(["keep", "verify"]).expect("it is kept as it came");
    }
    // Work goes on, also after a restart, and it is not forgotten.
    house.is_sound();
    house.pair.ben.stop();
    house.pair.ben.start();
    house.pair.settle();
    let shown = house.pair.ben.device.shown(["status", "notes"]).expect("a status");
    assert!(shown.contains("uses a newer Weft"), "{shown}");
}
