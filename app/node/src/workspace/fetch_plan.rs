//! Which chunks are asked of whom.
//!
//! One list is out at a time, to one device; what it does not hold is asked of the next. When
//! nobody connected has it, it is asked again when somebody comes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weft_crdt::tree::BlobRef;
use weft_crdt::{ChunkId, DocumentId, NodeId};
use weft_sync::ids::{EndpointId, Timestamp};

use super::engine::{Engine, Output};
use super::people::People;
use super::waiting::Missing;
use crate::transfer::REQUEST_CHUNKS_MAX;

/// How long after a fetch failed it is tried again.
const RETRY_MILLIS: u64 = 1_000;

/// How long after nobody connected held a chunk they are asked again: they may be fetching it
/// themselves. Doubled each time.
const ABSENT_MILLIS: u64 = 1_000;
/// The longest such time.
const ABSENT_MILLIS_MAX: u64 = 60_000;

/// Who needs a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// A file is to be written.
    File(NodeId),
    /// A text document begins with it.
    Document(DocumentId),
}

/// A content that is not here.
#[derive(Debug)]
struct Wanted {
    blob: BlobRef,
    /// How many of its chunks are still to come, as far as that is known.
    missing: usize,
}

/// What is fetched and what is still to be fetched.
#[derive(Debug, Default)]
pub(super) struct FetchPlan {
    /// Contents that are not here, by who needs them.
    wanted: BTreeMap<Needs, Wanted>,
    /// Who needs a chunk that is asked for or to be asked for.
    chunks: BTreeMap<ChunkId, BTreeSet<Needs>>,
    queue: VecDeque<ChunkId>,
    /// The device that is asked now.
    asked: Option<EndpointId>,
    /// Devices that said they do not hold a chunk.
    without: BTreeMap<ChunkId, BTreeSet<EndpointId>>,
    new: Vec<Needs>,
    /// Whether what is new is being looked at; what comes to be new by that waits its turn.
    is_looking: bool,
    retry_at: Option<Timestamp>,
    /// When those who lacked a chunk are asked again, and after how long that is.
    ask_again: Option<(Timestamp, u64)>,
}

impl FetchPlan {
    /// Wants what a document begins with.
    pub(super) fn want(&mut self, document: DocumentId, base: &BlobRef) {
        self.insert(Needs::Document(document), base);
    }

    /// Wants the content of a file.
    pub(super) fn want_file(&mut self, node: NodeId, blob: &BlobRef) {
        self.insert(Needs::File(node), blob);
    }

    fn insert(&mut self, needs: Needs, blob: &BlobRef) {
        if self.wanted.get(&needs).is_none_or(|wanted| wanted.blob != *blob) {
            self.wanted.insert(needs, Wanted { blob: blob.clone(), missing: 0 });
            self.new.push(needs);
        }
    }

    /// How many chunks are still to come.
    pub(super) fn chunks_len(&self) -> usize {
        self.chunks.len()
    }

    /// How many contents are wanted.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.retry_at.into_iter().chain(self.ask_again.map(|(at, _)| at)).min()
    }
}

impl Engine {
    /// Asks for what is wanted, if nothing is asked for now.
    pub(super) fn fetch_due(&mut self) {
        if self.fetches.retry_at.is_some_and(|at| at <= self.now) {
            self.fetches.retry_at = None;
        }
        if std::mem::replace(&mut self.fetches.is_looking, true) {
            return;
        }
        // What is here lets its owner go on, who may want more. Each is looked at once: a tree
        // that asks for the same content again and again does not get it again and again.
        let mut looked_at = BTreeSet::new();
        while let Some(needs) = self.fetches.new.pop() {
            if looked_at.insert(needs) {
                self.queue_missing(needs);
            } else {
                self.fetches.wanted.remove(&needs);
            }
        }
        self.fetches.is_looking = false;
        if self.fetches.asked.is_some() || self.fetches.retry_at.is_some() {
            return;
        }
        let waited = self.fetches.ask_again.filter(|(at, _)| *at <= self.now).map(|(_, millis)| millis);
        if waited.is_some() {
            self.fetches.without.clear();
            self.forget_unneeded();
        }
        let peers = self.replica.connected_members();
        let Some((peer, chunks)) = self.next_request(&peers) else {
            let is_wanted = !self.fetches.chunks.is_empty() && !peers.is_empty();
            let millis = waited.map_or(ABSENT_MILLIS, |millis| (2 * millis).min(ABSENT_MILLIS_MAX));
            let again = (self.now.plus_millis(millis), millis);
            self.fetches.ask_again = match self.fetches.ask_again {
                Some(set) if is_wanted && waited.is_none() => Some(set),
                _ => is_wanted.then_some(again),
            };
            return;
        };
        if let Some(millis) = waited {
            let millis = (2 * millis).min(ABSENT_MILLIS_MAX);
            self.fetches.ask_again = Some((self.now.plus_millis(millis), millis));
        }
        self.fetches.asked = Some(peer);
        self.out.push(Output::Fetch { peer, chunks });
    }

    /// Contents that nothing needs any more are not waited for.
    fn forget_unneeded(&mut self) {
        let is_gone = |needs: &Needs| match needs {
            Needs::File(node) => self.view.path_of(*node).is_none(),
            Needs::Document(document) => {
                let mut nodes = self.view.nodes_of_document(*document);
                let is_shown = nodes.any(|node| self.view.path_of(node).is_some());
                !is_shown && !self.waiting.is_awaited(&Missing::Document(*document))
            }
        };
        let gone: BTreeSet<Needs> = self.fetches.wanted.keys().filter(|n| is_gone(n)).copied().collect();
        self.fetches.wanted.retain(|needs, _| !gone.contains(needs));
        self.fetches.chunks.retain(|_, needs| {
            needs.retain(|needs| !gone.contains(needs));
            !needs.is_empty()
        });
    }

    fn next_request(&mut self, peers: &[EndpointId]) -> Option<(EndpointId, Vec<ChunkId>)> {
        let plan = &mut self.fetches;
        for peer in peers {
            let lacks = |chunk: &ChunkId| plan.without.get(chunk).is_some_and(|w| w.contains(peer));
            let chunks: Vec<ChunkId> = plan
                .queue
                .iter()
                .filter(|chunk| plan.chunks.contains_key(*chunk) && !lacks(chunk))
                .take(REQUEST_CHUNKS_MAX)
                .copied()
                .collect();
            if !chunks.is_empty() {
                return Some((*peer, chunks));
            }
        }
        None
    }

    /// Queues the chunks that a content lacks; when it lacks none, whoever needs it goes on.
    fn queue_missing(&mut self, needs: Needs) {
        let (Some(contents), Some(wanted)) = (&self.contents, self.fetches.wanted.get_mut(&needs)) else {
            return;
        };
        match contents.missing(&wanted.blob) {
            Ok(missing) if missing.is_empty() => self.content_is_here(needs),
            Ok(missing) => {
                // The same piece may stand in a file many times.
                let mut counted = BTreeSet::new();
                let missing: Vec<ChunkId> =
                    missing.into_iter().filter(|chunk| counted.insert(*chunk)).collect();
                wanted.missing = missing.len();
                for chunk in missing {
                    let plan = &mut self.fetches;
                    if plan.chunks.entry(chunk).or_default().insert(needs) && plan.chunks[&chunk].len() == 1 {
                        plan.queue.push_back(chunk);
                    }
                }
            }
            Err(error) => {
                self.fetches.wanted.remove(&needs);
                tracing::warn!("a content cannot be fetched: {error}");
                self.content_is_damaged(needs, &error.to_string());
            }
        }
    }

    /// The chunks that everything shown is made of, as far as that is known here: what a keeper is to hold.
    pub(crate) fn all_chunks(&self) -> Vec<ChunkId> {
        let Some(contents) = &self.contents else { return Vec::new() };
        let mut chunks = Vec::new();
        self.view.for_each(|_, shown| {
            let Some(content) = &shown.content else { return };
            match contents.chunks_of(content.blob()) {
                Ok(some) => chunks.extend(some),
                Err(error) => tracing::debug!("the chunks of a content are not known: {error}"),
            }
        });
        chunks
    }

    /// These chunks are in the store now.
    pub(crate) fn chunks_arrived(&mut self, chunks: &[ChunkId]) {
        self.known_digests.take();
        let mut complete = Vec::new();
        for chunk in chunks {
            self.fetches.without.remove(chunk);
            for needs in self.fetches.chunks.remove(chunk).into_iter().flatten() {
                let Some(wanted) = self.fetches.wanted.get_mut(&needs) else { continue };
                wanted.missing = wanted.missing.saturating_sub(1);
                if wanted.missing == 0 {
                    complete.push(needs);
                }
            }
        }
        // A list of chunks names further ones; and what is wanted may be another content by now.
        for needs in complete {
            self.queue_missing(needs);
        }
        self.show_due();
    }

    /// Chunks that are asked for.
    pub(crate) fn missing_chunks(&self) -> Vec<ChunkId> {
        self.fetches.chunks.keys().copied().collect()
    }

    /// A request to a device has ended.
    pub(crate) fn fetched(&mut self, peer: EndpointId, absent: &[ChunkId], failed: bool) {
        let plan = &mut self.fetches;
        if plan.asked == Some(peer) {
            plan.asked = None;
        }
        let chunks = &plan.chunks;
        plan.queue.retain(|chunk| chunks.contains_key(chunk));
        for chunk in absent {
            plan.without.entry(*chunk).or_default().insert(peer);
        }
        // What has arrived is to survive a crash: a second transfer would be the price.
        let sync = vec![weft_store::Write::SyncChunks];
        self.out.push(Output::Commit { batch: None, writes: sync, own: Vec::new() });
        let plan = &mut self.fetches;
        if failed {
            plan.retry_at = Some(self.now.plus_millis(RETRY_MILLIS));
        }
        self.fetch_due();
    }

    /// A device came: it may hold what others lack.
    pub(crate) fn peer_came(&mut self, peer: EndpointId) {
        for without in self.fetches.without.values_mut() {
            without.remove(&peer);
        }
        self.fetch_due();
    }

    fn content_is_here(&mut self, needs: Needs) {
        self.fetches.wanted.remove(&needs);
        match needs {
            Needs::File(node) => self.show.mark(node),
            Needs::Document(document) => {
                let mut dirty = super::deliver::Dirty::default();
                dirty.texts.entry(document).or_default();
                self.release_documents([document], &mut dirty);
                self.settle(dirty);
            }
        }
    }

    fn content_is_damaged(&mut self, needs: Needs, reason: &str) {
        if let Needs::File(node) = needs
            && let Some(path) = self.path_of(node)
        {
            self.show.problem(path, reason.to_owned());
        }
    }
}
