//! Answers as people see them, and hostile names through every function that prints.

use std::{collections::BTreeMap, path::PathBuf};

use weft_node::api::{
    ApiError, BlameLine, BlameLines, Conduct, Digests, Edited, Finding, FolderWork, HistoryVersions,
    Initialised, Invitation, Invitations, JoinPreviewed, Joined, Left, LogChange, LogChanges, Member,
    MemberDevice, MembersList, MirrorDecision, MirrorResumed, Newcomer, NodeInfoReport, Origin, PeerPath,
    PeerStatus, PeersList, PendingPath, Restored, Role, Severity, Shared, VersionSummary, Waited, WallTime,
    WorkspaceState, WorkspaceStatus,
};

use super::*;

/// Strings that do something to a terminal or to a reader's eyes.
pub(super) const HOSTILE: [&str; 40] = [
    "\u{1b}[2J",
    "\u{1b}[31mred",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://evil/\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{1b}P+q544e\u{1b}\\",
    "\u{1b}[6n",
    "\u{1b}[1A\u{1b}[2Kdone",
    "\u{1b}c",
    "\u{1b}(0lqqk",
    "\u{1b}[?1049h",
    "\u{1b}[?25l",
    "\u{1b}_Gf=24\u{1b}\\",
    "\u{9b}31mred",
    "\u{9d}0;title\u{9c}",
    "\u{90}q\u{9c}",
    "\u{85}next line",
    "name\rother",
    "name\nerror: fake",
    "a\tb",
    "a\u{8}\u{8}b",
    "bell\u{7}",
    "nul\u{0}",
    "del\u{7f}",
    "\u{c}form feed",
    "\u{b}vertical",
    "\u{e}shift out",
    "invoice\u{202e}fdp.exe",
    "\u{202d}left to right",
    "\u{2066}isolate\u{2069}",
    "\u{2067}right isolate",
    "\u{200f}mark",
    "\u{61c}arabic mark",
    "\u{2028}separator",
    "\u{2029}paragraph",
    "zero\u{200b}width",
    "\u{feff}bom",
    "soft\u{ad}hyphen",
    "tag\u{e0041}\u{e007f}",
    "\u{fff9}annotation\u{fffb}",
];

fn look() -> Look {
    Look::for_tests()
}

fn time(minutes_ago: i64) -> WallTime {
    WallTime::from_millis(look().now.timestamp().as_millisecond() - minutes_ago * 60_000)
}

fn id(first: &str) -> String {
    format!("{first}{}", "0".repeat(64 - first.len()))
}

fn peer(name: &str, connected: bool) -> PeerStatus {
    PeerStatus {
        user: id("be"),
        user_name: Some(name.into()),
        device: id("de"),
        device_name: Some(name.into()),
        connected,
        path: Some(name.into()),
        has_all_mine: connected,
        missing: if connected { 0 } else { 3 },
        behind: 0,
        last_contact: Some(time(120)),
        conduct: Conduct::Fair,
    }
}

fn a_status(name: &str) -> WorkspaceStatus {
    WorkspaceStatus {
        workspace: id("3f2a"),
        name: name.into(),
        folder: PathBuf::from("/home/ana").join(name),
        user: id("a1"),
        user_name: Some(name.into()),
        device: id("d1"),
        device_name: Some(name.into()),
        role: Role::Owner,
        state: WorkspaceState::Active,
        state_reason: None,
        digest: id("9c41"),
        frontier: BTreeMap::new(),
        files: 1234,
        peers: vec![peer(name, true), peer(name, false)],
        pending: vec![PendingPath { path: name.into(), reason: name.into() }],
        kept_by: Vec::new(),
        not_shared: 0,
        folder_work: FolderWork::default(),
    }
}

/// Everything that is printed, with `name` wherever another person may have written something.
#[expect(clippy::too_many_lines, reason = "one of everything that is printed")]
fn everything(name: &str) -> Vec<String> {
    let look = look();
    let text = || name.to_owned();
    let pending = || vec![PendingPath { path: text(), reason: text() }];
    let held = WorkspaceStatus {
        state: WorkspaceState::Held,
        state_reason: Some(text()),
        kept_by: vec![text()],
        digest: text(),
        ..a_status(name)
    };
    vec![
        status(&a_status(name), &look),
        status(&held, &look),
        initialised(&an_import(name), &look),
        joined(
            &Joined {
                workspace: text(),
                name: text(),
                files: 1,
                bytes: 2,
                conflicts: 1,
                seconds: 0.5,
                folder: name.into(),
                role: Role::Viewer,
                pending: pending(),
                notes: vec![text()],
            },
            &look,
        ),
        preview(
            &JoinPreviewed {
                workspace: text(),
                name: text(),
                role: Role::Editor,
                inviter: text(),
                inviter_name: Some(text()),
                fingerprint: text(),
                folder: name.into(),
                files: 3,
                bytes: 4,
                here: 1,
            },
            &look,
        ),
        left(&Left { workspace: text(), name: text(), folder: name.into() }, &look),
        resumed(&MirrorResumed { files: 3 }, MirrorDecision::Restore),
        digest(&Digests { tree: text(), heads: text(), files: 1 }, &look),
        waited(&Waited { synced: true, seconds: 1.0, peers: 2 }, &look),
        edited(&Edited { heads: vec![text()] }, &look),
        restored(&Restored { version: text(), heads: vec![text()] }, &look),
        history(&a_history(name), &look),
        blame(&a_blame(name), &look),
        log(&a_log(name), &look),
        shared(&a_ticket(name), &look),
        invitations(&an_invitation(name), &look),
        members(&people_of(name), &look),
        peers(&paths_to(name), &look),
        doctor(
            &[Finding { area: text(), severity: Severity::Problem, message: text(), cure: Some(text()) }],
            &look,
        ),
        failure(&ApiError::failed(text()).hint(text()).data_state(text()), &look),
        node_ready(&node_info(name), &look),
        log_line(name, &look),
        log_line(
            &serde_json::json!({
                "timestamp": name, "level": name, "target": name, "fields": { "message": name, "path": name },
            })
            .to_string(),
            &look,
        ),
        plain(name),
        short_id(name),
    ]
}

fn an_import(name: &str) -> Initialised {
    Initialised {
        workspace: id("3f2a"),
        name: name.into(),
        files: 2000,
        bytes: 4_140_000,
        seconds: 0.4321,
        folder: PathBuf::from("/home/ana").join(name),
        pending: vec![PendingPath { path: name.into(), reason: "a symbolic link".into() }],
        notes: vec![name.into()],
    }
}

fn a_history(name: &str) -> HistoryVersions {
    let version = |version: &str, origin, minutes_ago| VersionSummary {
        version: id(version),
        time: time(minutes_ago),
        user: id("a1"),
        user_name: Some(name.into()),
        device: id("d1"),
        origin,
        inserted: 1200,
        deleted: 3,
    };
    let model = Origin::Model { name: name.into() };
    HistoryVersions { versions: vec![version("77", Origin::Human, 5), version("66", model, 3000)] }
}

fn a_blame(name: &str) -> BlameLines {
    let line = |line, origin| BlameLine {
        line,
        text: name.into(),
        user: id("a1"),
        user_name: Some(name.into()),
        device: id("d1"),
        origin,
        version: id("77"),
        time: time(5),
    };
    BlameLines { lines: vec![line(1, Origin::Import), line(2, Origin::Repeated)] }
}

fn a_log(name: &str) -> LogChanges {
    LogChanges {
        changes: vec![LogChange {
            version: id("77"),
            time: time(5),
            user: id("a1"),
            user_name: Some(name.into()),
            files: vec![name.into(); 7],
            files_count: 812,
            branch: None,
        }],
    }
}

fn a_ticket(name: &str) -> Shared {
    Shared {
        ticket: name.into(),
        role: Role::Editor,
        expires: time(-1440),
        uses: 1,
        id: name.into(),
        workspace: name.into(),
        name: name.into(),
    }
}

fn an_invitation(name: &str) -> Invitations {
    Invitations {
        invitations: vec![Invitation {
            id: id("1b"),
            role: Role::Editor,
            expires: time(-60),
            uses_left: 2,
            waiting: vec![Newcomer {
                user: id("be"),
                fingerprint: name.into(),
                name: Some(name.into()),
                device_name: Some(name.into()),
            }],
            workspace: id("3f2a"),
            workspace_name: name.into(),
        }],
    }
}

fn people_of(name: &str) -> MembersList {
    let device = |is_this| MemberDevice {
        device: id("d1"),
        name: Some(name.into()),
        is_this,
        last_contact: Some(time(3)),
        has_all_mine: false,
        missing: 2,
    };
    let member = Member {
        user: id("a1"),
        name: Some(name.into()),
        role: Role::Admin,
        is_me: true,
        devices: vec![device(true), device(false)],
    };
    MembersList { members: vec![member] }
}

fn paths_to(name: &str) -> PeersList {
    let path = |connected: bool| PeerPath {
        device: id("de"),
        device_name: Some(name.into()),
        user: id("be"),
        user_name: None,
        path: connected.then(|| name.to_owned()),
        rtt_ms: connected.then_some(1.234),
        connected,
        reason: (!connected).then(|| name.to_owned()),
    };
    PeersList { peers: vec![path(true), path(false)] }
}

fn node_info(name: &str) -> NodeInfoReport {
    NodeInfoReport {
        version: name.into(),
        pid: 7,
        home: name.into(),
        online: true,
        endpoint: name.into(),
        addresses: vec![name.into(), name.into()],
        workspaces: vec![name.into()],
    }
}

#[test]
fn hostile_names_do_nothing_in_any_output() {
    let harmless = everything("x");
    for name in HOSTILE {
        for (shown, expected) in everything(name).iter().zip(&harmless) {
            let bad = shown
                .chars()
                .find(|letter| *letter != '\n' && *letter != '\t' && *letter != plain_or_self(*letter));
            assert_eq!(bad, None, "{name:?} in:\n{shown}");
            // A line feed in a name must not begin a line; only a text that is shown as text has tabs.
            assert_eq!(shown.lines().count(), expected.lines().count(), "{name:?} in:\n{shown}");
        }
    }
}

/// The letter itself when it is harmless, else something different.
fn plain_or_self(letter: char) -> char {
    let shown = plain(&letter.to_string());
    let mut letters = shown.chars();
    match (letters.next(), letters.next()) {
        (Some(same), None) => same,
        _ => '\\',
    }
}

#[track_caller]
fn check(shown: &str, expected: &str) {
    assert_eq!(shown, expected.trim_start_matches('\n'), "\n{shown}");
}

#[test]
fn a_status_reads_well() {
    let mut named = a_status("notes");
    named.user_name = Some("Ana".into());
    named.device_name = Some("laptop".into());
    named.peers[0].user_name = Some("Ben".into());
    named.peers[0].path = Some("192.168.1.7:4433".into());
    named.peers[1].user_name = None;
    named.pending[0] = PendingPath { path: "CON".into(), reason: "a name this system cannot hold".into() };
    check(
        &status(&named, &look()),
        "
notes  /home/ana/notes
  you     Ana on laptop, owner
  files   1,234
  digest  9c41000000
Devices
  ●  Ben · notes         has everything                      192.168.1.7:4433
  ○  be00000000 · notes  has not confirmed 3 edits of yours  last seen 2 h ago
Pending
  CON  a name this system cannot hold
",
    );
}

#[test]
fn a_held_folder_says_what_to_do() {
    let held = WorkspaceStatus {
        state: WorkspaceState::Held,
        state_reason: Some("812 of 900 files are gone".into()),
        peers: Vec::new(),
        pending: Vec::new(),
        ..a_status("notes")
    };
    check(
        &status(&held, &look()),
        "
notes  /home/ana/notes
  you     notes on notes, owner
  files   1,234
  digest  9c41000000
  ! held: nothing is sent or written (812 of 900 files are gone)
  Nobody else is in it yet; `weft share` invites somebody.
",
    );
}

#[test]
fn a_folder_that_is_behind_says_how_far() {
    let status_of = |folder_work| {
        let behind =
            WorkspaceStatus { folder_work, peers: Vec::new(), pending: Vec::new(), ..a_status("notes") };
        status(&behind, &look())
    };
    let told = |folder_work| {
        let text = status_of(folder_work);
        let lines: Vec<String> =
            text.lines().filter(|line| line.contains("  folder  ")).map(str::to_owned).collect();
        lines
    };
    let work = FolderWork { to_read: 4210, waits_for_git: true, ..FolderWork::default() };
    check(
        &status_of(work),
        "
notes  /home/ana/notes
  you     notes on notes, owner
  files   1,234
  digest  9c41000000
  folder  4,210 changed files so far; shared when git is done
  Nobody else is in it yet; `weft share` invites somebody.
",
    );
    let work =
        FolderWork { is_first_read: true, to_read: 20, to_write: 1, to_fetch: 3, ..FolderWork::default() };
    assert_eq!(
        told(work),
        [
            "  folder  being read; files may still be missing",
            "  folder  20 changed files still to be read",
            "  folder  1 change of others still to be written here",
            "  folder  3 contents still to come from other devices",
        ]
    );
    assert!(told(FolderWork::default()).is_empty());
}

#[test]
fn an_import_reads_well() {
    check(
        &initialised(&an_import("notes"), &look()),
        "
✓ notes is a workspace now.
  2,000 files, 4.1 MB, in 432 ms
  folder     /home/ana/notes
  workspace  3f2a000000
Not shared
  notes  a symbolic link
notes
Invite somebody with `weft share`.
",
    );
}

#[test]
fn a_history_reads_well() {
    check(
        &history(&a_history("Ana"), &look()),
        "
7700000000  11:55:00          Ana                    +1,200  −3
6600000000  2026-11-19 10:00  Ana (accepted by Ana)  +1,200  −3
",
    );
}

#[test]
fn a_log_names_a_few_files_and_counts_the_rest() {
    check(
        &log(&a_log("src/main.rs"), &look()),
        "
7700000000  11:55:00  src/main.rs
    src/main.rs
    src/main.rs
    src/main.rs
    src/main.rs
    src/main.rs
    and 807 more
",
    );
}

#[test]
fn an_invitation_says_how_to_let_somebody_in() {
    check(
        &invitations(&an_invitation("Ben"), &look()),
        "
1b00000000  Ben as editor, 2 uses left, until 13:00:00
  Ben on Ben wants to join as editor.
    id           be00000000
    fingerprint  Ben
    let in:  weft invitations --confirm be00000000
",
    );
}

#[test]
fn a_failure_says_what_failed_what_became_of_the_data_and_what_to_do() {
    let error = ApiError::not_allowed("only an admin may invite")
        .hint("ask the owner for the role")
        .data_state("nothing was changed");
    check(
        &failure(&error, &look()),
        "
error: only an admin may invite
  your data: nothing was changed
  hint: ask the owner for the role
",
    );
}

#[test]
fn a_check_up_counts_what_needs_the_person() {
    let finding = |severity, cure: Option<&str>| Finding {
        area: "store".into(),
        severity,
        message: "something".into(),
        cure: cure.map(str::to_owned),
    };
    check(
        &doctor(&[finding(Severity::Good, None), finding(Severity::Problem, Some("do this"))], &look()),
        "
✓ store    something
✗ store    something
           → do this
One thing needs you.
",
    );
}

#[test]
fn colours_only_where_they_are_wanted() {
    let colored = Look { has_color: true, ..look() };
    assert!(status(&a_status("notes"), &colored).contains("\u{1b}[1mnotes\u{1b}[0m"));
    assert!(!status(&a_status("notes"), &look()).contains('\u{1b}'));
}

#[test]
fn a_line_of_the_log_is_readable() {
    let line = r#"{"timestamp":"2026-11-21T12:00:00Z","level":"WARN","fields":{"message":"slow","ms":7},"target":"weft_net"}"#;
    assert_eq!(log_line(line, &look()), "2026-11-21T12:00:00Z WARN  weft_net slow ms=7");
    assert_eq!(log_line("not JSON", &look()), "not JSON");
}
