//! Roles that change.

use weft_tests::{PATIENCE, eventually};

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;

#[test]
fn a_viewer_reads_on_and_what_they_save_waits_until_they_may_write() {
    let team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n"), ("b.txt", "one\n")]);
    team.weft(ANA, &["role", "Ben", "viewer", "notes"]).expect("a viewer");
    team.members_are(BEN, &[("Ana", "owner"), ("Ben", "viewer")]);
    team.refused(BEN, &["edit", "notes/a.txt", "--insert", "0", "x"], 4, "viewer");
    team.refused(BEN, &["role", "Ben", "editor", "notes"], 4, "admin");
    let before = team.people[ANA].digest();

    team.people[BEN].files.write("a.txt", "one\nsaved by a viewer\n").expect("a file");
    let told = eventually(PATIENCE, || team.pending(BEN, "a.txt"));
    let (reason, _) = told.expect("the status tells of it");
    assert!(reason.contains("not shared") && reason.contains("viewer"), "{reason}");
    // What others write still comes, and the save stays where it is.
    team.people[ANA].files.write("b.txt", "one\ntwo\n").expect("a file");
    team.has(BEN, "b.txt", "two");
    assert_eq!(team.people[BEN].files.read("a.txt").as_deref(), Some("one\nsaved by a viewer\n"));
    assert_eq!(team.people[ANA].files.read("a.txt").as_deref(), Some("one\n"));
    assert_ne!(team.people[ANA].digest(), before);
    team.agree();

    team.weft(ANA, &["role", "Ben", "editor", "notes"]).expect("an editor");
    team.has(ANA, "a.txt", "saved by a viewer");
    team.agree();
    assert_eq!(team.pending(BEN, "a.txt"), None);
    team.weft(BEN, &["edit", "notes/a.txt", "--insert", "0", "x"]).expect("an edit");
    team.has(ANA, "a.txt", "xone");
}

#[test]
fn admins_give_roles_and_only_the_owner_makes_or_changes_admins() {
    let team = Team::new(&["Ana", "Ben", "Cleo"], &[("a.txt", "one\n")]);
    team.refused(BEN, &["role", "Cleo", "viewer", "notes"], 4, "takes the role admin");
    team.refused(BEN, &["revoke", "Cleo", "notes", "--yes"], 4, "takes the role admin");
    team.refused(ANA, &["role", "Ana", "viewer", "notes"], 4, "owner");
    team.refused(ANA, &["role", "zoe", "viewer", "notes"], 3, "weft members");
    team.refused(ANA, &["role", "Ben", "king", "notes"], 2, "");
    team.weft(ANA, &["role", "Ben", "admin", "notes"]).expect("an admin");
    team.members_are(BEN, &[("Ana", "owner"), ("Ben", "admin"), ("Cleo", "editor")]);
    team.weft(BEN, &["role", "Cleo", "viewer", "notes"]).expect("an admin may");
    team.members_are(CLEO, &[("Ana", "owner"), ("Ben", "admin"), ("Cleo", "viewer")]);
    team.refused(BEN, &["role", "Cleo", "admin", "notes"], 4, "takes the role owner");
    team.refused(BEN, &["revoke", "Ana", "notes", "--yes"], 4, "owner");
    team.weft(ANA, &["role", "Cleo", "admin", "notes"]).expect("another admin");
    team.members_are(BEN, &[("Ana", "owner"), ("Ben", "admin"), ("Cleo", "admin")]);
    team.refused(BEN, &["revoke", "Cleo", "notes", "--yes"], 4, "only the owner");
    team.refused(BEN, &["role", "Cleo", "viewer", "notes"], 4, "only the owner");
    team.agree();
}
