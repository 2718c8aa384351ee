//! Workspaces: made, joined, left, and who has what.

use weft_node::api::{
    BranchSwitch, Conduct, Digests, FolderWork, Initialised, JoinPreviewed, Joined, Left, MirrorDecision,
    MirrorResumed, PeerStatus, PendingPath, Policies, Waited, WorkspaceState, WorkspaceStatus,
};

use super::{Look, Tone, age, bytes, count, plain, seconds, short_id, table::Table, units::counted};

/// The most paths that one list shows.
const PATHS_SHOWN_MAX: usize = 20;

/// Who somebody is: the name where there is one, else the beginning of the id.
pub(super) fn named(name: Option<&String>, id: &str) -> String {
    name.filter(|name| !name.is_empty()).map_or_else(|| short_id(id), |name| plain(name))
}

pub(crate) fn initialised(made: &Initialised, look: &Look) -> String {
    let mut text = format!(
        "{} {} is a workspace now.\n  {}, {}, in {}\n",
        look.paint(Tone::Good, "✓"),
        look.paint(Tone::Heading, plain(&made.name)),
        counted(made.files, "file"),
        bytes(made.bytes),
        seconds(made.seconds),
    );
    text.push_str(&format!("  folder     {}\n", plain(&made.folder.display().to_string())));
    text.push_str(&format!("  workspace  {}\n", short_id(&made.workspace)));
    text.push_str(&pending("Not shared", &made.pending, look));
    text.push_str(&notes(&made.notes));
    text.push_str("Invite somebody with `weft share`.\n");
    text
}

pub(crate) fn joined(joined: &Joined, look: &Look) -> String {
    let mut text = format!(
        "{} Joined {} as {}.\n  {}, {}, in {}\n  folder     {}\n",
        look.paint(Tone::Good, "✓"),
        look.paint(Tone::Heading, plain(&joined.name)),
        joined.role,
        counted(joined.files, "file"),
        bytes(joined.bytes),
        seconds(joined.seconds),
        plain(&joined.folder.display().to_string()),
    );
    if joined.conflicts > 0 {
        text.push_str(&format!(
            "  {} here differed; nothing was overwritten (`weft status` lists what is pending)\n",
            counted(joined.conflicts, "file")
        ));
    }
    text.push_str(&pending("Not written", &joined.pending, look));
    text.push_str(&notes(&joined.notes));
    text
}

pub(crate) fn preview(preview: &JoinPreviewed, look: &Look) -> String {
    let inviter = named(preview.inviter_name.as_ref(), &preview.inviter);
    let mut text = format!(
        "{} invites you to {} as {}.\n",
        inviter,
        look.paint(Tone::Heading, plain(&preview.name)),
        preview.role
    );
    text.push_str(&format!("  folder      {}\n", plain(&preview.folder.display().to_string())));
    text.push_str(&format!("  files       {}, {}\n", counted(preview.files, "file"), bytes(preview.bytes)));
    text.push_str(&format!("  your signs  {}\n", plain(&preview.fingerprint)));
    if preview.here > 0 {
        text.push_str(&format!(
            "  {} {} already. Joining compares by name: what is equal stays, what differs is kept\n  \
             as --existing says, and what only you have is shared.\n",
            look.paint(Tone::Warning, counted(preview.here, "file")),
            if preview.here == 1 { "lies in that folder" } else { "lie in that folder" },
        ));
    }
    text
}

pub(crate) fn left(left: &Left, _look: &Look) -> String {
    format!(
        "Stopped sharing {}.\n  The files stay in {}\n",
        named(Some(&left.name), &left.workspace),
        plain(&left.folder.display().to_string())
    )
}

pub(crate) fn resumed(resumed: &MirrorResumed, decision: MirrorDecision) -> String {
    match decision {
        MirrorDecision::Deleted => format!("Deleted {} for everybody.\n", counted(resumed.files, "file")),
        MirrorDecision::Restore => format!("Wrote {} again.\n", counted(resumed.files, "file")),
        MirrorDecision::Share => "Everybody has this branch now.\n".to_owned(),
    }
}

pub(crate) fn policies(policies: &Policies, _look: &Look) -> String {
    let meaning = match policies.branch_switch {
        BranchSwitch::Share => "share: a branch that somebody checks out is everybody's at once",
        BranchSwitch::Hold => "hold: a branch that somebody checks out is shared when that person says so",
    };
    let models = match policies.ai_local_only {
        true => "local only: only models on the members' own devices are asked",
        false => "any: a member may ask a server that this member has added",
    };
    format!("branch switch  {meaning}\nmodels         {models}\n")
}

pub(crate) fn digest(digests: &Digests, _look: &Look) -> String {
    format!("tree   {}\nheads  {}\nfiles  {}\n", plain(&digests.tree), plain(&digests.heads), digests.files)
}

pub(crate) fn waited(waited: &Waited, look: &Look) -> String {
    let peers = match waited.peers {
        0 => "There is nobody to wait for.".to_owned(),
        peers => {
            format!("In sync with {}, after {}.", counted(peers.into(), "device"), seconds(waited.seconds))
        }
    };
    format!("{} {peers}\n", look.paint(Tone::Good, "✓"))
}

pub(crate) fn status(status: &WorkspaceStatus, look: &Look) -> String {
    let mut text = format!(
        "{}  {}\n",
        look.paint(Tone::Heading, plain(&status.name)),
        look.paint(Tone::Faint, plain(&status.folder.display().to_string()))
    );
    let user = named(status.user_name.as_ref(), &status.user);
    let device = named(status.device_name.as_ref(), &status.device);
    let mut facts = Table::default();
    let role = match status.state {
        WorkspaceState::Removed => "no longer in".to_owned(),
        _ => status.role.to_string(),
    };
    facts.row(["you".into(), format!("{user} on {device}, {role}")]);
    facts.row(["files".into(), count(status.files)]);
    facts.row(["digest".into(), short_id(&status.digest)]);
    if status.not_shared > 0 {
        facts.row([
            "not shared".into(),
            format!("{} (links, special files, secrets such as .env)", count(status.not_shared)),
        ]);
    }
    if !status.kept_by.is_empty() {
        let keepers: Vec<String> = status.kept_by.iter().map(|keeper| plain(keeper)).collect();
        facts.row(["kept by".into(), keepers.join(", ")]);
    }
    for work in folder_work(&status.folder_work) {
        facts.row(["folder".into(), look.paint(Tone::Warning, work)]);
    }
    text.push_str(&facts.render(2));
    text.push_str(&state(status, look));
    text.push_str(&devices(&status.peers, look));
    text.push_str(&pending("Pending", &status.pending, look));
    text
}

/// What the folder and the workspace do not have of each other yet.
fn folder_work(work: &FolderWork) -> Vec<String> {
    let mut lines = Vec::new();
    if work.is_first_read {
        lines.push("being read; files may still be missing".to_owned());
    }
    if work.to_read > 0 {
        let changed = counted(work.to_read, "changed file");
        lines.push(match work.waits_for_git {
            true => format!("{changed} so far; shared when git is done"),
            false => format!("{changed} still to be read"),
        });
    }
    if work.to_write > 0 {
        lines.push(format!("{} of others still to be written here", counted(work.to_write, "change")));
    }
    if work.to_fetch > 0 {
        lines.push(format!("{} still to come from other devices", counted(work.to_fetch, "content")));
    }
    lines
}

fn state(status: &WorkspaceStatus, look: &Look) -> String {
    let (meaning, cure) = match status.state {
        WorkspaceState::Active => return String::new(),
        WorkspaceState::Invited => ("waits to be let in", ""),
        WorkspaceState::Waiting => ("known to be incomplete", ""),
        // The reason says how it ends.
        WorkspaceState::Held => ("held: nothing is sent or written", ""),
        WorkspaceState::Removed => ("you were removed from this workspace", ""),
        WorkspaceState::ReadOnly => ("read-only: the disk or the store fails", "`weft doctor` says more"),
    };
    let reason =
        status.state_reason.as_ref().map_or_else(String::new, |reason| format!(" ({})", plain(reason)));
    let mut text = format!("  {} {meaning}{reason}\n", look.paint(Tone::Warning, "!"));
    if !cure.is_empty() {
        text.push_str(&format!("    {cure}\n"));
    }
    text
}

fn devices(peers: &[PeerStatus], look: &Look) -> String {
    if peers.is_empty() {
        return "  Nobody else is in it yet; `weft share` invites somebody.\n".to_owned();
    }
    let mut rows = Table::default();
    for peer in peers {
        let (dot, tone) = if peer.connected { ("●", Tone::Good) } else { ("○", Tone::Faint) };
        let user = named(peer.user_name.as_ref(), &peer.user);
        let device = named(peer.device_name.as_ref(), &peer.device);
        rows.row([
            look.paint(tone, dot),
            format!("{user} · {device}"),
            holding(peer, look),
            place(peer, look),
        ]);
    }
    format!("{}\n{}", look.paint(Tone::Heading, "Devices"), rows.render(2))
}

/// What a device has of ours, and we of its.
pub(super) fn holding(peer: &PeerStatus, look: &Look) -> String {
    let mine = match (peer.has_all_mine, peer.missing) {
        (true, _) => look.paint(Tone::Good, "has everything"),
        (false, 0) => "has not said what it has".to_owned(),
        (false, missing) => look.paint(Tone::Warning, lacking(missing, peer.connected)),
    };
    let held = match peer.behind {
        0 => mine,
        behind => format!("{mine}, {} not here yet", counted(behind, "edit")),
    };
    match peer.conduct {
        Conduct::Fair => held,
        Conduct::Slowed => format!("{held}, {}", look.paint(Tone::Warning, "sends too much: made to wait")),
        Conduct::ShutOut => format!("{held}, {}", look.paint(Tone::Bad, "breaks the protocol: shut out")),
    }
}

/// What a device lacks. One that is not connected may have got it from somebody else, and says so when it meets us.
pub(super) fn lacking(edits: u64, is_connected: bool) -> String {
    let edits = counted(edits, "edit");
    if is_connected {
        format!("lacks {edits} of yours")
    } else {
        format!("has not confirmed {edits} of yours")
    }
}

fn place(peer: &PeerStatus, look: &Look) -> String {
    match (&peer.path, peer.connected, peer.last_contact) {
        (Some(path), true, _) => plain(path),
        (None, true, _) => "connected".to_owned(),
        (_, false, Some(time)) => format!("last seen {}", age(time, look)),
        (_, false, None) => "not connected".to_owned(),
    }
}

fn pending(title: &str, paths: &[PendingPath], look: &Look) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let mut rows = Table::default();
    for pending in paths.iter().take(PATHS_SHOWN_MAX) {
        rows.row([plain(&pending.path), look.paint(Tone::Faint, plain(&pending.reason))]);
    }
    let rest = paths.len().saturating_sub(PATHS_SHOWN_MAX) as u64;
    format!("{}\n{}{}", look.paint(Tone::Heading, title), rows.render(2), more(rest))
}

fn more(rest: u64) -> String {
    if rest == 0 {
        String::new()
    } else {
        format!("    and {} more (--json lists up to 1,000)\n", count(rest))
    }
}

pub(super) fn notes(notes: &[String]) -> String {
    notes.iter().map(|note| format!("{}\n", plain(note))).collect()
}
