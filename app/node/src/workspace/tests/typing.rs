//! What typing costs on the wire.

use weft_sync::acl::Class;
use weft_sync::replica::{ChannelId, Input};

use super::reconnect::exchange;
use super::{Device, assert_equal, meet};

const FILE: &str = "notes.txt";

/// Types characters, so many at a time, and gives the bytes that crossed the wire for each in either direction.
fn bytes_per_character(characters: usize, at_a_time: usize) -> f64 {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.replace(FILE, "begin\n");
    ana.insert(FILE, 0, "x");
    meet(&mut ana, &mut ben);
    let channel = ChannelId(77_777);
    ana.engine.feed(Input::ChannelUp { channel, peer: ben.endpoint(), dialer: true });
    ben.engine.feed(Input::ChannelUp { channel, peer: ana.endpoint(), dialer: false });
    ana.carry_out();
    ben.carry_out();
    while exchange(&mut ana, &mut ben).0 > 0 {}
    let mut bytes = 0;
    for number in 0..characters / at_a_time {
        ana.insert(FILE, (number * at_a_time) as u64, &"y".repeat(at_a_time));
        // 200 ms between them, as between two keys.
        for _ in 0..200 {
            bytes += exchange(&mut ana, &mut ben).1;
        }
    }
    assert_eq!(ben.text(FILE), ana.text(FILE));
    assert_equal(&ana, &ben);
    bytes as f64 / characters as f64
}

#[test]
fn a_typed_character_costs_few_bytes() {
    let alone = bytes_per_character(200, 1);
    let in_tens = bytes_per_character(200, 10);
    println!("{alone:.0} bytes for each character that is typed alone, {in_tens:.0} in an edit of ten");
    assert!(alone <= 640.0, "{alone} bytes");
    assert!(in_tens <= 70.0, "{in_tens} bytes");
}
