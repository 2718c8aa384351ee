//! `weft doctor`: what could be wrong, with a cure for each finding.

use std::sync::Arc;

use weft_store::CheckDepth;

use super::Shared;
use crate::api::{DoctorReport, Finding, ProgressSink, Severity, WorkspaceState};

fn finding(area: &str, severity: Severity, message: String, cure: Option<&str>) -> Finding {
    Finding { area: area.to_owned(), severity, message, cure: cure.map(str::to_owned) }
}

/// Looks at the store, the keys, the network and every workspace.
pub(super) async fn doctor(shared: &Arc<Shared>) -> DoctorReport {
    let mut findings = vec![store(shared).await, keys(shared)];
    findings.extend(identity(shared));
    findings.extend(network(shared).await);
    findings.extend(workspaces(shared).await);
    DoctorReport { findings }
}

async fn store(shared: &Arc<Shared>) -> Finding {
    let store = Arc::clone(&shared.store);
    let checked = tokio::task::spawn_blocking(move || store.check(CheckDepth::Quick)).await;
    match checked {
        Ok(Ok(report)) if report.is_sound() => {
            finding("store", Severity::Good, "the database and the packs are sound".to_owned(), None)
        }
        Ok(Ok(report)) => finding("store", Severity::Problem, format!("{report:?}"), report.hint()),
        Ok(Err(error)) => finding("store", Severity::Problem, error.to_string(), Some(error.hint())),
        Err(error) => finding("store", Severity::Problem, error.to_string(), None),
    }
}

fn keys(shared: &Shared) -> Finding {
    match &shared.notice {
        Some(notice) => finding(
            "keys",
            Severity::Note,
            notice.clone(),
            Some("set WEFT_KEY=keyring where a keyring runs; turn on disk encryption"),
        ),
        None => {
            let message = format!("the key to this device's data opens with the {}", shared.key_slot);
            finding("keys", Severity::Good, message, None)
        }
    }
}

fn identity(shared: &Shared) -> Vec<Finding> {
    let profile = &shared.profile;
    let (name, device) = (&profile.label.name, &profile.label.device);
    let mut findings =
        vec![finding("identity", Severity::Good, format!("you are {name}, this device is {device}"), None)];
    if profile.user.is_some() {
        let message = "your personal key lies on this device only".to_owned();
        findings.push(finding("identity", Severity::Note, message, Some("keep a backup of WEFT_HOME")));
    }
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
        if let Err(error) = super::calls::scanned(&workspace, &ProgressSink::none()).await {
            findings.push(finding(&area, Severity::Problem, error.message, error.hint.as_deref()));
            continue;
        }
        let Some(summary) = workspace.ask(|engine| engine.summary()).await else { continue };
        let quarantined = workspace.ask(|engine| engine.quarantined()).await.unwrap_or(0);
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
        if quarantined > 0 {
            let message = format!("{quarantined} changes of others were refused");
            findings.push(finding(
                &area,
                Severity::Note,
                message,
                Some("`weft diagnostics` tells whose and why"),
            ));
        }
    }
    findings
}
