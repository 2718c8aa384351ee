//! Files and their past.

use weft_node::api::{BlameLines, Edited, HistoryVersions, LogChanges, Origin, Restored};

use super::{
    Look, Tone, count, plain, short_id,
    table::Table,
    units::{counted, moment},
    verbatim,
    workspace::named,
};

/// The most files that one change of a log names.
const FILES_SHOWN_MAX: usize = 5;

pub(crate) fn edited(edited: &Edited, _look: &Look) -> String {
    let heads: Vec<String> = edited.heads.iter().map(|head| short_id(head)).collect();
    format!("Saved as {}.\n", heads.join(" "))
}

pub(crate) fn restored(restored: &Restored, _look: &Look) -> String {
    format!("Brought back as a new version: {}.\n", short_id(&restored.version))
}

fn made_by(origin: &Origin, who: String) -> String {
    match origin {
        Origin::Human => who,
        Origin::Model { name } => format!("{} (accepted by {who})", plain(name)),
        Origin::Import => format!("{who} (imported)"),
        Origin::Repeated => format!("{who} (repeated)"),
        Origin::Branch { name } => format!("{who} (branch {})", plain(name)),
    }
}

pub(crate) fn history(history: &HistoryVersions, look: &Look) -> String {
    if history.versions.is_empty() {
        return "Nobody has edited this file since it was imported.\n".to_owned();
    }
    let mut rows = Table::default();
    for version in &history.versions {
        let who = made_by(&version.origin, named(version.user_name.as_ref(), &version.user));
        rows.row([
            look.paint(Tone::Heading, short_id(&version.version)),
            moment(version.time, look),
            who,
            look.paint(Tone::Good, format!("+{}", count(version.inserted))),
            look.paint(Tone::Bad, format!("−{}", count(version.deleted))),
        ]);
    }
    rows.render(0)
}

pub(crate) fn blame(blame: &BlameLines, look: &Look) -> String {
    let mut rows = Table::default();
    for line in &blame.lines {
        rows.row([
            look.paint(Tone::Faint, short_id(&line.version)),
            made_by(&line.origin, named(line.user_name.as_ref(), &line.user)),
            moment(line.time, look),
            line.line.to_string(),
            // Tabs of the text stay; a line feed inside a line would begin a line of its own.
            verbatim(line.text.trim_end_matches(['\r', '\n'])).replace('\n', "\\n"),
        ]);
    }
    rows.render(0)
}

pub(crate) fn log(log: &LogChanges, look: &Look) -> String {
    if log.changes.is_empty() {
        return "Nothing has changed.\n".to_owned();
    }
    let mut text = String::new();
    for change in &log.changes {
        text.push_str(&format!(
            "{}  {}  {}\n",
            look.paint(Tone::Heading, short_id(&change.version)),
            moment(change.time, look),
            named(change.user_name.as_ref(), &change.user)
        ));
        if let Some(branch) = &change.branch {
            let files = counted(change.files_count, "file");
            text.push_str(&format!("    switched to branch {}: {files}\n", plain(branch)));
            continue;
        }
        for file in change.files.iter().take(FILES_SHOWN_MAX) {
            text.push_str(&format!("    {}\n", plain(file)));
        }
        let known = change.files_count.max(change.files.len() as u64);
        let rest = known.saturating_sub(change.files.len().min(FILES_SHOWN_MAX) as u64);
        if rest > 0 {
            text.push_str(&format!("    and {} more\n", count(rest)));
        }
    }
    text
}
