//! `weft doctor`: what could be wrong, with a cure for each finding.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use weft_store::{CheckDepth, CheckReport, Write};

use super::Shared;
use crate::api::{
    ApiError, Conduct, DoctorReport, Finding, PeerStatus, ProgressSink, Severity, WorkspaceState,
};
use crate::profile::WordsState;

const FULL_HINT: &str = "free some space, or move WEFT_HOME to a larger disk; the node goes on by itself";
const FULL_POLL: Duration = Duration::from_millis(50);
/// Paths that a finding names at most.
const PATHS_SHOWN_MAX: usize = 10;

fn finding(area: &str, severity: Severity, message: String, cure: Option<&str>) -> Finding {
    Finding { area: area.to_owned(), severity, message, cure: cure.map(str::to_owned) }
}

/// Whether the disk is full and what is edited waits for space.
pub(super) fn is_full(shared: &Shared) -> bool {
    shared.committer().is_ok_and(|committer| committer.waits_for_space())
}

/// Waits until the disk is full.
pub(super) async fn full(shared: &Shared) {
    while !is_full(shared) {
        tokio::time::sleep(FULL_POLL).await;
    }
}

/// What a full disk makes of a workspace.
pub(super) fn full_state() -> (WorkspaceState, Option<String>) {
    let reason = "the disk is full: what is saved stays in the folder and is taken when there is space";
    (WorkspaceState::ReadOnly, Some(reason.to_owned()))
}

/// Refuses to make an edit that could not be stored.
pub(super) fn refuse_when_full(shared: &Shared) -> Result<(), ApiError> {
    if is_full(shared) {
        return Err(ApiError::failed("the disk is full: the edit was not made")
            .data_state("nothing was changed, and nothing that was stored is lost")
            .hint(FULL_HINT));
    }
    Ok(())
}

/// What is told of an edit that found the disk full.
pub(super) fn full_while_storing(shared: &Shared) -> ApiError {
    let state = if shared.net.is_some() {
        "the edit is in memory: the node stores it when there is space, unless it ends before"
    } else {
        "the edit was not stored; nothing that was stored is lost"
    };
    ApiError::failed("the disk is full: the edit is not stored").data_state(state).hint(FULL_HINT)
}

/// Looks at the store, the keys, the network and every workspace; contents that this disk has
/// lost are put back where that can be.
pub(super) async fn doctor(shared: &Arc<Shared>) -> DoctorReport {
    let (mut findings, damaged) = store(shared).await;
    findings.extend(contents(shared, damaged).await);
    findings.extend(keys(shared));
    findings.extend(identity(shared));
    findings.extend(network(shared).await);
    findings.extend(workspaces(shared).await);
    DoctorReport { findings }
}

/// The database and the packs, and how many pieces of contents are damaged.
async fn store(shared: &Arc<Shared>) -> (Vec<Finding>, usize) {
    if is_full(shared) {
        let message = "the disk is full: nothing can be stored".to_owned();
        return (vec![finding("store", Severity::Problem, message, Some(FULL_HINT))], 0);
    }
    if shared.store.is_closed() {
        let message =
            "the disk has failed: nothing more is stored until the node is started again".to_owned();
        let cure = "check the disk and the system log, then `weft node --stop` and start it again";
        return (vec![finding("store", Severity::Problem, message, Some(cure))], 0);
    }
    let store = Arc::clone(&shared.store);
    let checked = tokio::task::spawn_blocking(move || store.check(CheckDepth::Full)).await;
    let report = match checked {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => {
            let message = super::opening::chain(&error);
            return (vec![finding("store", Severity::Problem, message, Some(error.hint()))], 0);
        }
        Err(error) => return (vec![finding("store", Severity::Problem, error.to_string(), None)], 0),
    };
    let mut findings = database(shared, &report);
    if report.snapshots_damaged > 0 {
        let message = format!("{} snapshots of texts are damaged", report.snapshots_damaged);
        let cure = "they are made again from the history";
        findings.push(finding("store", Severity::Note, message, Some(cure)));
    }
    let damaged = report.chunks_damaged.len();
    if damaged > 0 {
        let forgotten: Vec<Write> = report.chunks_damaged.iter().copied().map(Write::ForgetChunk).collect();
        if let Err(error) = shared.storage.commit(&forgotten) {
            findings.push(finding(
                "store",
                Severity::Problem,
                super::opening::chain(&error),
                Some(error.hint()),
            ));
        }
    }
    if findings.is_empty() {
        let message = format!(
            "the database and the packs are sound: {} entries, {} pieces of contents",
            report.entries, report.chunks
        );
        findings.push(finding("store", Severity::Good, message, None));
    }
    (findings, damaged)
}

/// What is damaged in the database, and what that means.
fn database(shared: &Shared, report: &CheckReport) -> Vec<Finding> {
    let mut told = Vec::new();
    if let Some(first) = report.problems.first() {
        told.push(format!("its structure is broken in {} places ({first})", report.problems.len()));
    }
    if !report.entries_damaged.is_empty() {
        let state = shared.state();
        let named = report.entries_damaged.iter().map(|(ws, _)| {
            state
                .registry
                .get(ws)
                .map_or_else(|| "a workspace".to_owned(), |record| format!("“{}”", record.name))
        });
        let named: Vec<String> = named.collect::<BTreeSet<String>>().into_iter().collect();
        told.push(format!(
            "{} of {} entries are damaged, of {}",
            report.entries_damaged.len(),
            report.entries,
            named.join(", ")
        ));
    }
    if report.records_damaged > 0 {
        told.push(format!("{} of {} records do not open", report.records_damaged, report.records));
    }
    if told.is_empty() {
        return Vec::new();
    }
    let message =
        format!("the database is damaged: {}; the files in the folders are not touched", told.join("; "));
    vec![finding("store", Severity::Problem, message, report.hint())]
}

/// Puts contents back that are damaged or gone.
async fn contents(shared: &Arc<Shared>, damaged: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lost = shared.store.open_report().chunks_lost;
    if damaged > 0 || lost > 0 {
        let message = format!(
            "{damaged} pieces of contents are damaged, and {lost} were gone when the store was opened; pieces of \
             earlier versions are fetched when somebody looks at them"
        );
        findings.push(finding("packs", Severity::Note, message, Some("check the disk")));
    }
    let records: Vec<_> = shared.state().registry.all().cloned().collect();
    for record in records {
        let Some(workspace) = shared.handle(&record.id) else { continue };
        let Some(healed) = super::healing::heal(shared, &workspace, &record.root).await else { continue };
        let area = record.root.display().to_string();
        if healed.from_folder + healed.from_devices > 0 {
            let message = format!(
                "the contents of {} files were not in the store: {} were put back from the folder, {} from other \
                 devices",
                healed.files, healed.from_folder, healed.from_devices
            );
            findings.push(finding(&area, Severity::Note, message, None));
        }
        if !healed.left.is_empty() {
            let shown: Vec<&str> = healed.left.iter().take(PATHS_SHOWN_MAX).map(String::as_str).collect();
            let message = format!(
                "the contents of {} files are not whole on this device: {}",
                healed.left.len(),
                shown.join(", ")
            );
            let severity = if healed.is_fetching { Severity::Note } else { Severity::Problem };
            let cure = "run `weft node` while a device that has them is connected, then `weft doctor` again: it \
                        fetches them";
            findings.push(finding(&area, severity, message, Some(cure)));
        }
    }
    findings
}

fn keys(shared: &Shared) -> Vec<Finding> {
    let mut findings = vec![key(shared)];
    let problem = shared.words_problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(problem) = problem {
        let message = format!("your 24 words do not open the data on this device yet: {problem}");
        let cure = "see that the data folder can be written, then end the node and start it again";
        findings.push(finding("keys", Severity::Problem, message, Some(cure)));
    }
    findings
}

fn key(shared: &Shared) -> Finding {
    match &shared.notice {
        Some(notice) => finding(
            "keys",
            Severity::Note,
            notice.clone(),
            Some("set WEFT_KEY=keyring where a keyring runs; turn on disk encryption"),
        ),
        None => {
            let message = format!("the key to this device's data opens with {}", shared.key_slot);
            finding("keys", Severity::Good, message, None)
        }
    }
}

fn identity(shared: &Shared) -> Vec<Finding> {
    let profile = shared.profile();
    let (name, device) = (&profile.label.name, &profile.label.device);
    let mut findings =
        vec![finding("identity", Severity::Good, format!("you are {name}, this device is {device}"), None)];
    let (severity, message, cure) = match (profile.user.is_some(), profile.words) {
        (true, WordsState::Unchecked) => (
            Severity::Note,
            "your personal key lies on this device only",
            Some(
                "`weft device recovery` shows it as 24 words: write them down, then `weft device recovery --check`",
            ),
        ),
        (true, _) => {
            (Severity::Good, "your personal key lies on this device, and its 24 words on paper", None)
        }
        (false, WordsState::PaperOnly) => {
            (Severity::Good, "your personal key is the 24 words on paper", None)
        }
        (false, _) => (
            Severity::Good,
            "your personal key does not lie on this device, but on your first one or on paper",
            None,
        ),
    };
    findings.push(finding("identity", severity, message.to_owned(), cure));
    findings
}

async fn network(shared: &Shared) -> Vec<Finding> {
    // Whether a node runs is the first finding already.
    let Some(net) = &shared.net else { return Vec::new() };
    let peers = net.peers().await;
    let connected = peers.iter().filter(|peer| matches!(peer.state, weft_net::PeerState::Connected { .. }));
    let count = connected.count();
    let mut findings = vec![finding(
        "network",
        Severity::Good,
        format!("{count} of {} known devices are connected", peers.len()),
        None,
    )];
    let problem = shared.state().net_problem.clone();
    if let Some(relay) = net.relay() {
        findings.push(if net.is_at_relay() {
            let message = format!("this device can be reached at the relay {relay}");
            finding("network", Severity::Good, message, None)
        } else {
            let message = format!("the relay {relay} has not been reached");
            let cure = "check its URL, and that it runs and can be reached from here";
            finding("network", Severity::Note, message, Some(cure))
        });
    }
    if let Some(problem) = problem {
        let message = format!("devices on the local network are not found by themselves: {problem}");
        let cure = "devices are still reached at known addresses; `weft node --peer ADDRESS` names one";
        findings.push(finding("network", Severity::Note, message, Some(cure)));
    } else if !shared.is_lan {
        let message = "looking for devices on the local network is off".to_owned();
        findings.push(finding("network", Severity::Note, message, Some("start the node with --lan on")));
    }
    findings
}

async fn workspaces(shared: &Shared) -> Vec<Finding> {
    let records: Vec<_> = shared.state().registry.all().cloned().collect();
    let mut findings = Vec::new();
    for record in records {
        let area = record.root.display().to_string();
        let Some(workspace) = shared.handle(&record.id) else {
            let cure = "`weft diagnostics` tells why; joining again from another device brings it back";
            findings.push(finding(&area, Severity::Problem, "could not be opened".to_owned(), Some(cure)));
            continue;
        };
        let progress = ProgressSink::none();
        let scanned = tokio::select! {
            scanned = super::calls::scanned(&workspace, &progress) => scanned,
            // What is not stored yet waits for space, and this does not wait for that.
            () = full(shared) => Ok(()),
        };
        if let Err(error) = scanned {
            findings.push(finding(&area, Severity::Problem, error.message, error.hint.as_deref()));
            continue;
        }
        let Some(summary) = workspace.ask(|engine| engine.summary()).await else { continue };
        let quarantined = workspace.ask(|engine| engine.quarantined()).await.unwrap_or_default();
        let severity = match summary.state {
            WorkspaceState::Active => Severity::Good,
            WorkspaceState::Waiting | WorkspaceState::Invited => Severity::Note,
            _ => Severity::Problem,
        };
        let message = summary.state_reason.unwrap_or_else(|| match summary.digests.files {
            1 => format!("“{}” is well: 1 file", summary.name),
            files => format!("“{}” is well: {files} files", summary.name),
        });
        findings.push(finding(&area, severity, message, None));
        if !summary.pending.is_empty() {
            let message = format!("{} paths are not as they should be", summary.pending.len());
            findings.push(finding(
                &area,
                Severity::Note,
                message,
                Some("`weft status` lists them with the reason"),
            ));
        }
        for (name, count) in quarantined {
            let name = if name.is_empty() { "somebody" } else { &name };
            let message = format!("{count} changes of {name} make no sense and were refused");
            findings.push(finding(
                &area,
                Severity::Note,
                message,
                Some("nothing of yours is lost; `weft diagnostics` tells why"),
            ));
        }
        let devices = workspace.ask(|engine| engine.peer_statuses()).await.unwrap_or_default();
        findings.extend(devices.iter().filter_map(|device| misconduct(&area, device)));
    }
    findings
}

/// What a device does that it may not.
fn misconduct(area: &str, device: &PeerStatus) -> Option<Finding> {
    let user = device.user_name.as_deref().unwrap_or(&device.user);
    let name = device.device_name.as_deref().unwrap_or(&device.device);
    let (message, cure) = match device.conduct {
        Conduct::Fair => return None,
        Conduct::Slowed => (
            format!("{user}'s device {name} sends more than is taken in: it is made to wait"),
            "nothing is lost; ask its person what it sends",
        ),
        Conduct::ShutOut => (
            format!("{user}'s device {name} breaks the protocol: it is not listened to for an hour"),
            "ask its person to update Weft; if that was no accident, think about who is in the workspace",
        ),
    };
    Some(finding(area, Severity::Note, message, Some(cure)))
}
