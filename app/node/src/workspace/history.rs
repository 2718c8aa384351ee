//! What was, and who wrote it.

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::tree::{BlobRef, ContentValue, Field, RegisterKey};
use weft_crdt::{ChangeHash, ContentId, DocumentId, History, Moment, NodeId, TextDocument, Value};
use weft_store::{EntryFilter, StoredOrder};
use weft_sync::data::Origin as DataOrigin;
use weft_sync::entry::Entry;
use weft_sync::ids::{LogId, WallMillis};

use super::engine::Engine;
use super::entries::{CarriedChange, for_each_change};
use super::people::People;
use super::queries::{no_file, not_readable, unknown_version};
use crate::api::{
    ApiError, BlameLine, BlameLines, HistoryVersions, LogChange, LogChanges, Origin, VersionSummary, WallTime,
};

/// A pause that begins a new moment.
const PAUSE_MILLIS: i64 = 60_000;
/// Paths that one line of the log names.
const PATHS_MAX: usize = 8;
const READ_BYTES: usize = 1024 * 1024;

/// Who brought something, when and why.
#[derive(Debug, Clone)]
struct Source {
    log: LogId,
    wall: i64,
    origin: Origin,
}

impl Source {
    fn of(carried: &CarriedChange) -> Self {
        Self { log: carried.entry.log, wall: carried.wall.0, origin: origin(&carried.origin) }
    }
}

/// A switch to another branch: its name, how many files changed, and when.
type Switch = (String, u32, WallMillis);

/// What happened to one document.
struct Past {
    history: History,
    /// Of several carriers of a change the one with the least id.
    carriers: BTreeMap<ChangeHash, CarriedChange>,
    /// The first change, which everybody makes of the base text.
    genesis: ChangeHash,
}

fn origin(origin: &DataOrigin) -> Origin {
    match origin {
        DataOrigin::Human => Origin::Human,
        DataOrigin::Model { name } => Origin::Model { name: name.clone() },
        DataOrigin::Import => Origin::Import,
        DataOrigin::Repeated => Origin::Repeated,
        DataOrigin::Branch { name, .. } => Origin::Branch { name: name.clone() },
    }
}

impl Engine {
    /// The moments of a file, newest first: changes of one person with no long pause between, and
    /// at the end what it began with.
    pub(crate) fn history(&self, path: &str, limit: u64) -> Result<HistoryVersions, ApiError> {
        let (node, content) = self.file_of_register(path)?;
        let beginning = self.beginning(node, content.blob());
        let mut versions = match content.document() {
            None => {
                let inserted = self.cat(path, None).map_or(0, |cat| cat.text.chars().count() as u64);
                vec![self.version_summary(
                    content.blob().content.to_string(),
                    beginning.as_ref(),
                    inserted,
                    0,
                )]
            }
            Some(document) => {
                let past = self.past(document, path)?;
                let begun = past.history.text_at(&past.genesis.into());
                let inserted = begun.map_or(0, |text| text.rope().len_chars() as u64);
                let first = past.genesis.to_string();
                let mut versions = vec![self.version_summary(first, beginning.as_ref(), inserted, 0)];
                versions.extend(self.moments(&past));
                versions
            }
        };
        versions.reverse();
        if limit > 0 {
            versions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(HistoryVersions { versions })
    }

    /// The changes of a document by person and pause, in the order in which they end.
    fn moments(&self, past: &Past) -> Vec<VersionSummary> {
        let mut moments: Vec<Moment> = past.history.moments().collect();
        // An order that is the same on all devices, in which everything follows what it builds upon.
        moments.sort_by_key(|moment| (moment.start_op, moment.actor));
        let mut versions: Vec<Option<VersionSummary>> = Vec::new();
        let mut last: BTreeMap<LogId, (usize, Source)> = BTreeMap::new();
        for moment in moments {
            let Some(carried) = past.carriers.get(&moment.hash) else { continue };
            let source = Source::of(carried);
            let name = moment.hash.to_string();
            let mut version = self.version_summary(name, Some(&source), moment.inserted, moment.deleted);
            let before = last.get(&source.log).filter(|(_, before)| {
                before.origin == source.origin && (source.wall - before.wall).abs() < PAUSE_MILLIS
            });
            if let Some(before) = before.and_then(|(place, _)| versions[*place].take()) {
                version.inserted += before.inserted;
                version.deleted += before.deleted;
            }
            last.insert(source.log, (versions.len(), source));
            versions.push(Some(version));
        }
        versions.into_iter().flatten().collect()
    }

    fn version_summary(
        &self,
        version: String,
        source: Option<&Source>,
        inserted: u64,
        deleted: u64,
    ) -> VersionSummary {
        let (user, user_name, device) = self.author_of(source);
        VersionSummary {
            version,
            time: WallTime::from_millis(source.map_or(0, |source| source.wall)),
            user,
            user_name,
            device,
            origin: source.map_or(Origin::Import, |source| source.origin.clone()),
            inserted,
            deleted,
        }
    }

    /// User, name and device; empty when nobody is known.
    fn author_of(&self, source: Option<&Source>) -> (String, Option<String>, String) {
        let Some(source) = source else { return Default::default() };
        let signer = self.replica.membership().and_then(|members| members.signer_of(&source.log));
        let user = signer.map(|signer| signer.user());
        let name = user.and_then(|user| self.authors.name(&user).map(str::to_owned));
        let device = signer.and_then(|signer| signer.device());
        (
            user.map(|user| user.to_string()).unwrap_or_default(),
            name.filter(|name| !name.is_empty()),
            device.map(|device| device.to_string()).unwrap_or_default(),
        )
    }

    /// The file whose registers say what is shown at a path, and that content.
    fn file_of_register(&self, path: &str) -> Result<(NodeId, ContentValue), ApiError> {
        let (node, content) = self.shown_file(path)?;
        let shown = self.view.node_at(path).ok_or_else(|| no_file(path))?;
        Ok((shown.computed.map_or(node, |computed| computed.of), content))
    }

    fn past(&self, document: DocumentId, path: &str) -> Result<Past, ApiError> {
        let missing = || not_readable(path, &super::documents::LoadError::BaseMissing);
        let base = self.bases.get(&document).ok_or_else(missing)?;
        let contents = self.contents.as_ref().ok_or_else(missing)?;
        let past = self.documents.borrow_mut().history(document, base, contents, &self.replica);
        let (history, changes) = past.map_err(|error| not_readable(path, &error))?;
        let mut carriers: BTreeMap<ChangeHash, CarriedChange> = BTreeMap::new();
        for carried in changes {
            let known = carriers.entry(carried.change.hash()).or_insert_with(|| carried.clone());
            if carried.entry.id < known.entry.id {
                *known = carried;
            }
        }
        let genesis = history.genesis();
        Ok(Past { history, carriers, genesis })
    }

    /// Who gave a file the content that it, or its document, began with.
    fn beginning(&self, node: NodeId, blob: &BlobRef) -> Option<Source> {
        let key = RegisterKey::new(node, Field::Content).to_string();
        let gives = |carried: &CarriedChange| {
            let mut writes = carried.change.register_writes();
            writes.any(|(written, value)| written == key && value.is_some_and(|v| is_blob(v, &blob.content)))
        };
        let mut first: Option<(_, CarriedChange)> = None;
        let read = for_each_change(&*self.store, self.ws, self.tree.id(), &self.replica, |carried| {
            let order = (carried.change.start_op(), carried.change.actor(), carried.entry.id);
            let is_earlier = first.as_ref().is_none_or(|(earliest, _)| order < *earliest);
            if is_earlier && gives(&carried) {
                first = Some((order, carried));
            }
        });
        if let Err(error) = read {
            tracing::error!("the history of the folder cannot be read: {error}");
        }
        first.map(|(_, carried)| Source::of(&carried))
    }

    /// Who wrote each line: the person whose change last put something into it.
    pub(crate) fn blame(&self, path: &str) -> Result<BlameLines, ApiError> {
        let (node, content) = self.file_of_register(path)?;
        let beginning = self.beginning(node, content.blob());
        let text = self.cat(path, None)?.text;
        let (past, blame) = match content.document() {
            None => (None, Vec::new()),
            Some(document) => {
                let heads = self.with_text(document, |text: &mut TextDocument| text.heads().clone());
                let heads = heads.map_err(|error| not_readable(path, &error))?;
                let past = self.past(document, path)?;
                let blame = past.history.blame(&heads).unwrap_or_default();
                (Some(past), blame)
            }
        };
        let first = past.as_ref().map_or(content.blob().content.to_string(), |past| past.genesis.to_string());
        let lines = text.split_inclusive('\n').enumerate().map(|(at, line)| {
            let change = blame.get(at).and_then(|line| line.change);
            let carried = change.and_then(|hash| past.as_ref()?.carriers.get(&hash));
            let source = carried.map(Source::of).or_else(|| beginning.clone());
            let (user, user_name, device) = self.author_of(source.as_ref());
            BlameLine {
                line: at as u64 + 1,
                text: line.trim_end_matches(['\n', '\r']).to_owned(),
                user,
                user_name,
                device,
                version: carried.map_or_else(|| first.clone(), |carried| carried.change.hash().to_string()),
                time: WallTime::from_millis(source.as_ref().map_or(0, |source| source.wall)),
                origin: source.map_or(Origin::Import, |source| source.origin),
            }
        });
        Ok(BlameLines { lines: lines.collect() })
    }

    /// What changed in the workspace, newest first.
    pub(crate) fn log(&self, since: Option<&str>, limit: u64) -> Result<LogChanges, ApiError> {
        let told = |error: weft_store::ReadError| ApiError::failed(error.to_string()).hint(error.hint());
        let mut changes: Vec<LogChange> = Vec::new();
        // The last change of each log that is a part of a switch to another branch.
        let mut switches: BTreeMap<LogId, (Switch, usize)> = BTreeMap::new();
        let mut after = StoredOrder::START;
        loop {
            let read =
                self.store.entries_after(self.ws, after, EntryFilter::DataOnly, READ_BYTES).map_err(told)?;
            let Some(last) = read.last() else { break };
            after = last.order;
            for stored in read {
                let Ok(entry) = Entry::decode(&stored.bytes) else { continue };
                let Some((change, switch)) = self.log_change(&entry) else { continue };
                let log = entry.header.log;
                match (switches.get(&log), switch) {
                    (Some((name, at)), Some(switch)) if *name == switch => {
                        changes[*at].version = change.version;
                        continue;
                    }
                    (_, Some(switch)) => _ = switches.insert(log, (switch, changes.len())),
                    (_, None) => _ = switches.remove(&log),
                }
                changes.push(change);
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

    /// What an entry did, and the switch to another branch that it is a part of.
    fn log_change(&self, entry: &Entry) -> Option<(LogChange, Option<Switch>)> {
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
        let source = Source { log: entry.header.log, wall: plain.wall.0, origin: origin(&plain.origin) };
        let (user, user_name, _) = self.author_of(Some(&source));
        let switch = match plain.origin {
            DataOrigin::Branch { name, files } => Some((name, files, plain.wall)),
            _ => None,
        };
        let change = LogChange {
            version: entry.id().to_string(),
            time: WallTime::from_millis(plain.wall.0),
            user,
            user_name,
            files_count: switch.as_ref().map_or(paths.len() as u64, |(_, files, _)| u64::from(*files)),
            files: paths.into_iter().take(PATHS_MAX).collect(),
            branch: switch.as_ref().map(|(name, ..)| name.clone()),
        };
        Some((change, switch))
    }
}

/// Whether a register's value is the content with this name.
fn is_blob(value: &Value, content: &ContentId) -> bool {
    let Value::Bytes(bytes) = value else { return false };
    matches!(ContentValue::decode(bytes), Ok(ContentValue::Blob(blob)) if blob.content == *content)
}
