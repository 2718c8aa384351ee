//! Edits that stop counting because their author was put out, and count again.

use weft_sync::acl::Class;

use super::super::engine::EngineEvent;
use super::{Device, assert_equal, meet};

const FILE: &str = "plan.txt";

/// Ana founds, Dora is an admin, Ben and Carla edit. All have a file with one edit by Ben.
fn four() -> [Device; 4] {
    let mut ana = Device::founding("ana");
    let mut dora = ana.admit("dora", Class::Admin);
    let mut ben = ana.admit("ben", Class::Editor);
    let mut carla = ana.admit("carla", Class::Editor);
    ana.replace(FILE, "one\ntwo\n");
    for other in [&mut dora, &mut ben, &mut carla] {
        meet(&mut ana, other);
    }
    ben.insert(FILE, 0, "zero\n");
    for other in [&mut dora, &mut carla] {
        meet(&mut ben, other);
    }
    meet(&mut ben, &mut ana);
    for device in [&ana, &dora, &ben, &carla] {
        assert_eq!(device.text(FILE), "zero\none\ntwo\n");
        assert_eq!(device.on_disk(FILE), Some("zero\none\ntwo\n"));
    }
    [ana, dora, ben, carla]
}

fn last_patches(device: &Device) -> usize {
    let last = device.events.iter().rev().find_map(|event| match event {
        EngineEvent::TextChanged { patches, .. } => Some(patches.len()),
        _ => None,
    });
    last.unwrap_or(0)
}

#[test]
fn what_came_too_late_is_taken_back_where_it_had_arrived() {
    let [mut ana, _, mut ben, mut carla] = four();
    // Carla has it, Ana does not.
    ben.insert(FILE, 0, "late\n");
    ben.replace("late.txt", "a late file\n");
    meet(&mut ben, &mut carla);
    assert_eq!(carla.on_disk(FILE), Some("late\nzero\none\ntwo\n"));
    assert_eq!(carla.on_disk("late.txt"), Some("a late file\n"));
    ana.remove(&ben);
    carla.events.clear();
    meet(&mut ana, &mut carla);
    assert_eq!(carla.text(FILE), "zero\none\ntwo\n");
    assert_eq!(carla.on_disk(FILE), Some("zero\none\ntwo\n"));
    assert!(carla.engine.cat("late.txt", None).is_err());
    assert_eq!(last_patches(&carla), 1, "a program that has the file open is told");
    assert_equal(&ana, &carla);
    // It stays so after a restart, and what is edited next is made on what counts.
    carla.restart();
    assert_equal(&ana, &carla);
    carla.insert(FILE, 0, "new\n");
    meet(&mut ana, &mut carla);
    assert_eq!(ana.on_disk(FILE), Some("new\nzero\none\ntwo\n"));
    assert_equal(&ana, &carla);
}

#[test]
fn what_counts_after_all_comes_back() {
    let [mut ana, mut dora, mut ben, mut carla] = four();
    ben.insert(FILE, 0, "late\n");
    meet(&mut ben, &mut carla);
    // Dora puts Ben out, and Ana puts Dora out without knowing of that: what Dora did does not count.
    dora.remove(&ben);
    meet(&mut dora, &mut carla);
    assert_eq!(carla.on_disk(FILE), Some("zero\none\ntwo\n"));
    ana.remove(&dora);
    meet(&mut ana, &mut carla);
    assert_eq!(carla.text(FILE), "late\nzero\none\ntwo\n");
    assert_eq!(carla.on_disk(FILE), Some("late\nzero\none\ntwo\n"));
    assert_equal(&ana, &carla);
    carla.restart();
    assert_equal(&ana, &carla);
}

#[test]
fn honest_work_keeps_what_it_was_built_on() {
    let [mut ana, _, mut ben, mut carla] = four();
    ben.insert(FILE, 0, "late\n");
    meet(&mut ben, &mut carla);
    carla.insert(FILE, 5, "answer\n");
    ana.remove(&ben);
    meet(&mut ana, &mut carla);
    // Carla's edit builds upon Ben's, so his stays where hers counts.
    assert_eq!(carla.text(FILE), "late\nanswer\nzero\none\ntwo\n");
    carla.restart();
    assert_eq!(carla.text(FILE), "late\nanswer\nzero\none\ntwo\n");
}
