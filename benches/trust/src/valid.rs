//! Who is in and what counts: all at once, and after one more operation.

use std::hint::black_box;
use std::time::Duration;

use weft_bench_report::{Report, median, ratio, timed};
use weft_sync::Entry;
use weft_sync::acl::{Acl, AclOperation, Class};
use weft_sync::membership::Membership;
use weft_sync::workspace::{self, RemovedBy};

use crate::team::{DEVICES, OPERATIONS, Team, USERS};

const ROUNDS: usize = 7;
const FULL_MAX: Duration = Duration::from_millis(100);
const MORE_MAX: Duration = Duration::from_millis(5);

/// Everything that others ask about membership.
fn ask(membership: &Membership) -> usize {
    let people = membership.people();
    let devices = membership.live_devices();
    let epochs = membership.usable_epochs();
    black_box(people.len() + devices.len() + epochs.len())
}

fn taken_in(team: &Team) -> (Duration, Membership) {
    timed(|| {
        let mut membership = Membership::found(&team.genesis).expect("a genesis that was checked");
        for entry in &team.entries {
            membership.insert(entry).expect("an entry that was taken");
        }
        membership
    })
}

pub(crate) fn run(report: &mut Report) {
    report.section("Membership of 200 people, 1,000 devices, 2,000 operations");
    let mut team = Team::new();
    let (people, devices) = (team.membership.people().len(), team.membership.live_devices().len());
    report.text("people, devices, entries", &format!("{people}, {devices}, {}", team.entries.len()));
    assert!(people >= USERS * 9 / 10 && devices >= DEVICES * 8 / 10 && team.entries.len() >= OPERATIONS / 2);

    let mut full = Vec::new();
    let mut taking = Vec::new();
    for _ in 0..ROUNDS {
        let (time, membership) = taken_in(&team);
        taking.push(time);
        full.push(timed(|| ask(&membership)).0);
    }
    report.time("reading all entries, signatures of certificates checked", median(taking));
    let full = median(full);
    report.time("all questions from nothing", full);
    report.at_most("of 100 ms", ratio(full, FULL_MAX), 1.0);

    let (_, again) = taken_in(&team);
    ask(&again);
    let asked = median((0..ROUNDS).map(|_| timed(|| ask(&again)).0).collect());
    report.time("all questions once more, with nothing new", asked);
    for (what, entry) in one_more(&mut team) {
        one(report, &team, what, &entry);
    }
}

/// Things that may come next, each on its own.
fn one_more(team: &mut Team) -> Vec<(&'static str, Entry)> {
    let owner = team.people[0].user();
    let (admin, editor) = (5, USERS - 5);
    let newcomer = team.invitation(0, USERS, Class::Editor);
    let role = team.change(editor, Class::Viewer);
    let out = |team: &Team, person: usize| {
        let user = team.people[person].user();
        workspace::remove_user(&team.membership, &owner, &user).expect("somebody who is in")
    };
    let device = |team: &Team, person: usize, device: usize| {
        let device = team.people[person].devices[device].0.device_id();
        let user = team.people[person].user();
        let by = RemovedBy::Device(team.people[person].devices[0].0.device_id());
        let removal = workspace::remove_own_device(&team.membership, &user, &device, by);
        let mut operations = removal.expect("a device that is in");
        // The removal alone: what is measured is one operation.
        operations.truncate(1);
        operations
    };
    let policy = AclOperation::SetPolicy { key: "days".to_owned(), value: vec![1], via: team.via(0) };
    let (out_editor, out_admin) = (out(team, editor), out(team, admin));
    let (lost, lost_admin, lost_owner) =
        (device(team, editor, 2), device(team, admin, 2), device(team, 0, 2));
    let things = vec![
        ("a policy", 0, vec![policy]),
        ("somebody is let in", 0, newcomer),
        ("an editor's role changes", 0, role),
        ("an editor is put out", 0, out_editor),
        ("an admin who let in nine others is put out", 0, out_admin),
        ("an editor's device is put out", editor, lost),
        ("an admin's device is put out", admin, lost_admin),
        ("the owner's device is put out", 0, lost_owner),
    ];
    things.into_iter().map(|(what, by, operations)| (what, team.next(by, &Acl { operations }))).collect()
}

fn one(report: &mut Report, team: &Team, what: &str, entry: &Entry) {
    let times = (0..ROUNDS).map(|_| {
        let (_, mut membership) = taken_in(team);
        ask(&membership);
        let (time, ()) = timed(|| {
            membership.insert(entry).expect("an entry that fits");
            ask(&membership);
        });
        time
    });
    let time = median(times.collect());
    report.time(what, time);
    report.at_most("  of 5 ms", ratio(time, MORE_MAX), 1.0);
}
