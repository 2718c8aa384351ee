//! What it costs to meet again when nothing is new.

use std::sync::Arc;

use weft_sync::acl::Class;
use weft_sync::data::Origin;
use weft_sync::replica::{ChannelId, Input};

use super::{Device, assert_equal, meet};
use crate::mirror::{DiskChange, FileRef, Found, RelPath};
use crate::workspace::disk::KnownFolders;

/// Hands over all that each has to say to the other at this moment; how many frames and bytes that is.
pub(super) fn exchange(a: &mut Device, b: &mut Device) -> (usize, usize) {
    a.pass(1);
    b.pass(1);
    let (of_a, of_b): (Vec<_>, Vec<_>) = (a.sent.drain(..).collect(), b.sent.drain(..).collect());
    let said = (of_a.len() + of_b.len(), of_a.iter().chain(&of_b).map(|(_, bytes)| bytes.len()).sum());
    for (device, frames) in [(b, of_a), (a, of_b)] {
        for (channel, bytes) in frames {
            device.engine.feed(Input::Frame { channel, bytes });
            device.carry_out();
        }
    }
    said
}

/// One round trip, and at most 2 KB both ways.
#[test]
fn two_who_have_the_same_10_000_files_say_little_when_they_meet_again() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    let created = |n: u32| DiskChange::Created {
        path: RelPath::parse(&format!("file{n}.txt")).expect("a path"),
        found: Found::File(FileRef::of_bytes(&Arc::from(format!("text {n}\n").as_bytes()), false)),
    };
    let changes: Vec<DiskChange> = (0..10_000).map(created).collect();
    ana.engine.disk_changed(1, &changes, &[], &KnownFolders::new(), Origin::Import);
    ana.carry_out();
    meet(&mut ana, &mut ben);
    assert_equal(&ana, &ben);
    assert_eq!(ben.folder.len(), 10_000);

    let channel = ChannelId(77_777);
    ana.engine.feed(Input::ChannelUp { channel, peer: ben.endpoint(), dialer: true });
    ben.engine.feed(Input::ChannelUp { channel, peer: ana.endpoint(), dialer: false });
    ana.carry_out();
    ben.carry_out();
    let (mut ways, mut frames, mut bytes, mut still) = (0, 0, 0, 0);
    let is_in_step = |device: &Device| {
        let peers = device.engine.summary().peers;
        !peers.is_empty() && peers.iter().all(|peer| peer.has_all_mine && peer.connected && peer.behind == 0)
    };
    let mut in_step_after = is_in_step(&ana).then_some(0);
    while still < 500 {
        let (more, size) = exchange(&mut ana, &mut ben);
        still = if more == 0 { still + 1 } else { 0 };
        ways += usize::from(more > 0);
        frames += more;
        bytes += size;
        if in_step_after.is_none() && is_in_step(&ana) && is_in_step(&ben) {
            in_step_after = Some(ways);
        }
    }
    println!("{frames} frames, {bytes} bytes, {ways} times one way, in step after {in_step_after:?}");
    assert!(in_step_after.is_some_and(|ways| ways <= 2), "in step after {in_step_after:?} times one way");
    assert!(bytes <= 2_048, "{bytes} bytes");
    assert_equal(&ana, &ben);
}
