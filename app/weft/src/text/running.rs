//! The running node, its health, its log, and failures.

use serde_json::Value;
use weft_node::api::{ApiError, Finding, NodeInfoReport, PeersList, Severity};

use super::{Look, Tone, plain, table::Table, verbatim, workspace::named};

/// A failure: what failed, what became of the data, what to do.
pub(crate) fn failure(error: &ApiError, look: &Look) -> String {
    let mut text = format!("{} {}\n", look.paint(Tone::Bad, "error:"), plain(&error.message));
    if let Some(state) = &error.data_state {
        text.push_str(&format!("  your data: {}\n", plain(state)));
    }
    if let Some(hint) = &error.hint {
        text.push_str(&format!("  {} {}\n", look.paint(Tone::Warning, "hint:"), plain(hint)));
    }
    text
}

/// What failed as a sentence of its own.
pub(crate) fn sentence(message: &str) -> String {
    let message = plain(message);
    let mut letters = message.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// One line that says whether a node runs, and whether there is anybody whom it reaches where others share the folder.
pub(crate) fn node_line(pid: Option<u32>, is_alone: bool, look: &Look) -> String {
    let text = match pid {
        Some(pid) if is_alone => format!(
            "A node runs (process {pid}), and nobody is connected: edits are kept and sent when somebody is. \
             `weft peers` says why.\n"
        ),
        Some(pid) => format!("A node runs (process {pid}): edits are sent and received.\n"),
        None => "No node runs: nothing is sent or received. `weft node --detach` starts one.\n".to_owned(),
    };
    look.paint(Tone::Faint, text.trim_end()) + "\n"
}

pub(crate) fn node_ready(info: &NodeInfoReport, look: &Look) -> String {
    let mut text = format!("{} This device's node is ready.\n", look.paint(Tone::Good, "✓"));
    text.push_str(&format!("  endpoint   {}\n", plain(&info.endpoint)));
    for (index, address) in info.addresses.iter().enumerate() {
        let label = if index == 0 { "addresses" } else { "" };
        text.push_str(&format!("  {label:<9}  {}\n", plain(address)));
    }
    for (index, folder) in info.workspaces.iter().enumerate() {
        let label = if index == 0 { "folders" } else { "" };
        text.push_str(&format!("  {label:<9}  {}\n", plain(&folder.display().to_string())));
    }
    text
}

pub(crate) fn peers(list: &PeersList, look: &Look) -> String {
    if list.peers.is_empty() {
        return "This node knows nobody else yet.\n".to_owned();
    }
    let mut rows = Table::default();
    for peer in &list.peers {
        let (dot, tone) = if peer.connected { ("●", Tone::Good) } else { ("○", Tone::Faint) };
        let user = named(peer.user_name.as_ref(), &peer.user);
        let device = named(peer.device_name.as_ref(), &peer.device);
        let path = match (&peer.path, peer.connected) {
            (Some(path), _) => plain(path),
            (None, true) => "connected".to_owned(),
            (None, false) => "not connected".to_owned(),
        };
        let round_trip = peer.rtt_ms.map_or_else(String::new, |millis| format!("{millis:.1} ms"));
        let reason = peer.reason.as_deref().map_or_else(String::new, plain);
        rows.row([look.paint(tone, dot), format!("{user} · {device}"), path, round_trip, reason]);
    }
    rows.render(0)
}

pub(crate) fn doctor(findings: &[Finding], look: &Look) -> String {
    let mut text = String::new();
    for finding in findings {
        let (mark, tone) = match finding.severity {
            Severity::Good => ("✓", Tone::Good),
            Severity::Note => ("·", Tone::Faint),
            Severity::Problem => ("✗", Tone::Bad),
        };
        text.push_str(&format!(
            "{} {:<8} {}\n",
            look.paint(tone, mark),
            plain(&finding.area),
            plain(&finding.message)
        ));
        if let Some(cure) = &finding.cure {
            text.push_str(&format!("           {} {}\n", look.paint(Tone::Warning, "→"), plain(cure)));
        }
    }
    let problems = findings.iter().filter(|finding| finding.severity == Severity::Problem).count();
    text.push_str(&match problems {
        0 => "Everything is as it should be.\n".to_owned(),
        1 => "One thing needs you.\n".to_owned(),
        many => format!("{many} things need you.\n"),
    });
    text
}

/// One line of the program's log; a line of another shape is shown as it is.
pub(crate) fn log_line(line: &str, look: &Look) -> String {
    let parsed: Option<(String, String, String, String)> = serde_json::from_str(line).ok().and_then(parts);
    let Some((time, level, target, message)) = parsed else { return verbatim(line).replace('\n', "\\n") };
    let tone = match level.as_str() {
        "ERROR" => Tone::Bad,
        "WARN" => Tone::Warning,
        _ => Tone::Faint,
    };
    format!(
        "{time} {} {} {message}",
        look.paint(tone, format!("{level:<5}")),
        look.paint(Tone::Faint, target)
    )
}

fn parts(line: Value) -> Option<(String, String, String, String)> {
    let word = |key: &str| line.get(key).and_then(Value::as_str).map(plain);
    let fields = line.get("fields")?.as_object()?;
    let mut message = fields.get("message").and_then(Value::as_str).map(plain).unwrap_or_default();
    for (key, value) in fields.iter().filter(|(key, _)| *key != "message") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        message.push_str(&format!(" {}={}", plain(key), plain(&value)));
    }
    Some((word("timestamp")?, word("level")?, word("target")?, message))
}
