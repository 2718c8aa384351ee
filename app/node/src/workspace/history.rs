//! What was, and who wrote it.

use std::collections::BTreeSet;

use weft_crdt::{Applied, DocumentId};
use weft_store::{EntryFilter, StoredOrder};
use weft_sync::data::{Origin as DataOrigin, actor_of};
use weft_sync::entry::Entry;
use weft_sync::ids::LogId;

use super::engine::Engine;
use super::entries::CarriedChange;
use super::people::People;
use super::queries::{not_readable, unknown_version};
use crate::api::{
    ApiError, BlameLine, BlameLines, HistoryVersions, LogChange, LogChanges, Origin, VersionSummary, WallTime,
};

/// A pause that begins a new moment.
const PAUSE_MILLIS: i64 = 60_000;
/// Paths that one line of the log names.
const PATHS_MAX: usize = 8;
const READ_BYTES: usize = 1024 * 1024;

/// One change with what it did.
struct Step {
    carried: CarriedChange,
    inserted: u64,
    deleted: u64,
}

fn origin(origin: &DataOrigin) -> Origin {
    match origin {
        DataOrigin::Human => Origin::Human,
        DataOrigin::Model { name } => Origin::Model { name: name.clone() },
        DataOrigin::Import => Origin::Import,
        DataOrigin::Repeated => Origin::Repeated,
    }
}

impl Engine {
    /// The moments of a file, newest first: changes of one person with no long pause between.
    pub(crate) fn history(&self, path: &str, limit: u64) -> Result<HistoryVersions, ApiError> {
        let (_, content) = self.shown_file(path)?;
        let Some(document) = content.document() else {
            return Ok(HistoryVersions { versions: Vec::new() });
        };
        let (steps, _) = self.steps(document, path)?;
        let mut versions: Vec<VersionSummary> = Vec::new();
        let mut last: Option<(LogId, i64)> = None;
        for step in steps {
            let (log, wall) = (step.carried.entry.log, step.carried.wall.0);
            let same = last.is_some_and(|(before, at)| before == log && wall - at < PAUSE_MILLIS);
            let made_by = origin(&step.carried.origin);
            last = Some((log, wall));
            match versions.last_mut().filter(|version| same && version.origin == made_by) {
                Some(version) => {
                    version.version = step.carried.change.hash().to_string();
                    version.time = WallTime::from_millis(wall);
                    version.inserted += step.inserted;
                    version.deleted += step.deleted;
                }
                None => versions.push(self.version_summary(&step, made_by)),
            }
        }
        versions.reverse();
        if limit > 0 {
            versions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(HistoryVersions { versions })
    }

    fn version_summary(&self, step: &Step, made_by: Origin) -> VersionSummary {
        let (user, user_name, device) = self.author_of(&step.carried.entry.log);
        VersionSummary {
            version: step.carried.change.hash().to_string(),
            time: WallTime::from_millis(step.carried.wall.0),
            user,
            user_name,
            device,
            origin: made_by,
            inserted: step.inserted,
            deleted: step.deleted,
        }
    }

    fn author_of(&self, log: &LogId) -> (String, Option<String>, String) {
        let signer = self.replica.membership().and_then(|members| members.signer_of(log));
        let user = signer.map(|signer| signer.user());
        let name = user.and_then(|user| self.authors.name(&user).map(str::to_owned));
        let device = signer.and_then(|signer| signer.device());
        (
            user.map(|user| user.to_string()).unwrap_or_default(),
            name.filter(|name| !name.is_empty()),
            device.map(|device| device.to_string()).unwrap_or_default(),
        )
    }

    /// The changes of a document in causal order with what each did, and for each character of
    /// the newest text the change that wrote it (none: it was there from the beginning).
    fn steps(&self, document: DocumentId, path: &str) -> Result<(Vec<Step>, Vec<Option<usize>>), ApiError> {
        let told = |error| not_readable(path, &error);
        let documents = self.documents.borrow();
        let changes = documents.changes(document, &self.replica).map_err(|error| told(error.into()))?;
        let (Some(base), Some(contents)) = (self.bases.get(&document), &self.contents) else {
            return Err(told(super::documents::LoadError::BaseMissing));
        };
        let mut text = documents
            .at(document, base, &weft_crdt::Version::default(), contents, &self.replica)
            .map_err(told)?;
        let mut written: Vec<Option<usize>> = vec![None; text.len_chars()];
        let mut steps: Vec<Step> = Vec::new();
        let mut open = changes;
        loop {
            let before = open.len();
            let mut early = Vec::new();
            for carried in open {
                match text.apply(&carried.change, &actor_of(&carried.entry.log)) {
                    Ok(Applied::Applied(patches)) => {
                        let (mut inserted, mut deleted) = (0, 0);
                        for patch in patches {
                            let count = patch.insert.chars().count();
                            let range = patch.at.0..patch.at.0 + patch.delete;
                            written.splice(range, std::iter::repeat_n(Some(steps.len()), count));
                            inserted += count as u64;
                            deleted += patch.delete as u64;
                        }
                        steps.push(Step { carried, inserted, deleted });
                    }
                    Ok(Applied::Missing(_)) => early.push(carried),
                    Ok(Applied::Known) | Err(_) => {}
                }
            }
            if early.is_empty() || early.len() == before {
                return Ok((steps, written));
            }
            open = early;
        }
    }

    /// Who wrote each line: whose change made most of it lately.
    pub(crate) fn blame(&self, path: &str) -> Result<BlameLines, ApiError> {
        let (_, content) = self.shown_file(path)?;
        let Some(document) = content.document() else {
            let text = self.cat(path, None)?.text;
            let lines = text.lines().zip(1..).map(|(text, line)| self.base_line(line, text));
            return Ok(BlameLines { lines: lines.collect() });
        };
        let (steps, written) = self.steps(document, path)?;
        let text = self.cat(path, None)?.text;
        let (mut lines, mut at) = (Vec::new(), 0);
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            let count = line.chars().count();
            let newest = written[at..at + count].iter().flatten().max();
            at += count;
            let line = line.trim_end_matches(['\n', '\r']);
            lines.push(match newest.map(|step| &steps[*step]) {
                None => self.base_line(number, line),
                Some(step) => {
                    let (user, user_name, device) = self.author_of(&step.carried.entry.log);
                    BlameLine {
                        line: number,
                        text: line.to_owned(),
                        user,
                        user_name,
                        device,
                        origin: origin(&step.carried.origin),
                        version: step.carried.change.hash().to_string(),
                        time: WallTime::from_millis(step.carried.wall.0),
                    }
                }
            });
        }
        Ok(BlameLines { lines })
    }

    /// A line that was there before anybody edited the file here.
    fn base_line(&self, line: u64, text: &str) -> BlameLine {
        BlameLine {
            line,
            text: text.to_owned(),
            user: String::new(),
            user_name: None,
            device: String::new(),
            origin: Origin::Import,
            version: String::new(),
            time: WallTime::from_millis(0),
        }
    }

    /// What changed in the workspace, newest first.
    pub(crate) fn log(&self, since: Option<&str>, limit: u64) -> Result<LogChanges, ApiError> {
        let told = |error: weft_store::ReadError| ApiError::failed(error.to_string()).hint(error.hint());
        let mut changes = Vec::new();
        let mut after = StoredOrder::START;
        loop {
            let read =
                self.store.entries_after(self.ws, after, EntryFilter::DataOnly, READ_BYTES).map_err(told)?;
            let Some(last) = read.last() else { break };
            after = last.order;
            for stored in read {
                let Ok(entry) = Entry::decode(&stored.bytes) else { continue };
                changes.extend(self.log_change(&entry));
            }
        }
        changes.reverse();
        if let Some(since) = since.map(str::to_ascii_lowercase) {
            let at = changes.iter().position(|change: &LogChange| change.version.starts_with(&since));
            let at = at.filter(|_| since.len() >= 4).ok_or_else(|| unknown_version("the workspace"))?;
            changes.truncate(at);
        }
        if limit > 0 {
            changes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(LogChanges { changes })
    }

    fn log_change(&self, entry: &Entry) -> Option<LogChange> {
        let plain = People::read_data(&self.replica, entry)?;
        let mut paths = BTreeSet::new();
        for item in &plain.items {
            if item.doc == self.tree.id() {
                let change = weft_crdt::Change::parse(&item.change).ok()?;
                let nodes: BTreeSet<_> = change
                    .register_writes()
                    .filter_map(|(key, _)| Some(weft_crdt::tree::RegisterKey::parse(key)?.node))
                    .collect();
                paths.extend(nodes.into_iter().filter_map(|node| self.view.path_of(node)));
            } else {
                let nodes = self.view.nodes_of_document(item.doc);
                paths.extend(nodes.filter_map(|node| self.view.path_of(node)));
            }
        }
        let (user, user_name, _) = self.author_of(&entry.header.log);
        Some(LogChange {
            version: entry.id().to_string(),
            time: WallTime::from_millis(plain.wall.0),
            user,
            user_name,
            files_count: paths.len() as u64,
            files: paths.into_iter().take(PATHS_MAX).collect(),
        })
    }
}
