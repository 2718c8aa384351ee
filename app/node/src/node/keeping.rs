//! Keeping what others share, without being able to read it.
//!
//! A keeper takes part in sync as everybody does: it stores entries and passes them on. What entries say is sealed, so it
//! cannot know which chunks there are; members tell it ([`crate::transfer::list`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use weft_crdt::ChunkId;
use weft_net::{CloseCode, FrameStream};
use weft_store::{EntryFilter, EntryMarks, Space, Storage, StoredOrder, Table, Write};
use weft_sync::acl::Class;
use weft_sync::ids::{EndpointId, WorkspaceId};

use super::checking::Found;
use super::joining::{self, JoinedWorkspace};
use super::opening::{self, StartFolder, start_workspace};
use super::{Shared, ended, network};
use crate::api::{self, ApiError, KeepVerified, Kept, KeptWorkspace, ProgressSink};
use crate::registry::WorkspaceRecord;
use crate::transfer::list::{ChunkSet, decode_request, fetch_list, serve_list};
use crate::transfer::{self, REQUEST_CHUNKS_MAX};
use crate::workspace::people::People;
use crate::workspace::thread::WorkspaceHandle;

/// How often a keeper looks whether anything is new when nobody says so.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What comes in this time after the first is looked at together.
const GATHER: Duration = Duration::from_millis(50);
/// How long a keeper rests after it has looked: while somebody types, each letter is news. The first news after a rest is
/// looked at at once.
const REST: Duration = Duration::from_secs(1);
/// The longest rest, however long a look took.
const REST_MAX: Duration = Duration::from_secs(20);
/// How often members are asked anew within one look, until nothing new comes.
const ROUNDS_MAX: usize = 4;
/// After how long members are asked again once something was new: those who were asked may not have read it yet.
const ASK_AGAIN: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(10), Duration::from_secs(60)];
/// The records of the chunks that are kept begin so; the bucket's number follows.
const CHUNKS_KEY: &[u8] = b"chunks of ";
const READ_BYTES: usize = 4 * 1024 * 1024;

/// Begins to keep a workspace.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    request: api::Keep,
    progress: &ProgressSink,
) -> Result<Kept, ApiError> {
    let ticket = joining::parse(&request.ticket)?;
    if ticket.is_link() || ticket.class != Class::Keeper {
        return Err(ApiError::usage("this ticket is not for a keeper")
            .hint("`weft share --role keeper` makes one that is")
            .data_state("nothing was changed"));
    }
    let deadline = Instant::now() + Duration::from_secs_f64(request.timeout_seconds.clamp(0.0, 1e6));
    let known = shared.state().registry.get(&ticket.ws).cloned();
    match known {
        Some(record) if !record.is_kept() => {
            return Err(ApiError::usage(format!(
                "this device has that workspace already, at {}",
                record.root.display()
            ))
            .hint("a keeper is another device, or another data folder (WEFT_HOME)")
            .data_state("nothing was changed"));
        }
        Some(_) => {}
        None => {
            let joined = joining::come_in_as(shared, &ticket, deadline, progress).await?;
            settle(shared, &joined)?;
        }
    }
    if let Some(net) = &shared.net {
        // Wanting ourselves is refused, which only happens with a ticket of our own.
        let _ = net.want(ticket.inviter, joining::places(&ticket)).await;
    }
    network::want_members(shared, ticket.ws).await;
    Ok(Kept { workspace: ticket.ws.to_string(), notes: shared.notice.iter().cloned().collect() })
}

fn settle(shared: &Arc<Shared>, joined: &JoinedWorkspace) -> Result<(), ApiError> {
    let record = WorkspaceRecord::kept(joined.ws);
    let mut writes = joining::entry_writes(joined);
    writes.push(shared.state().registry.put(record.clone()));
    shared
        .storage
        .commit(&writes)
        .map_err(|error| ApiError::failed(opening::chain(&error)).hint(error.hint()))?;
    start_workspace(shared, &record, StartFolder::Later).map(|_| ())
}

/// Why a member could not be asked: it is asked again with the next news.
type AskError = Box<dyn std::error::Error + Send + Sync>;

/// Fetches the chunks of a kept workspace for as long as the node runs.
pub(super) async fn run(shared: Weak<Shared>, ws: WorkspaceId) {
    let Some(running) = shared.upgrade() else { return };
    let named = load(&*running.storage, &ws);
    let Ok(missing) = lacking(&running, named.iter().copied().collect()).await else { return };
    drop(running);
    let mut keeper = Keeper { ws, named, missing, seen: None, again: Vec::new() };
    let Some(mut news) = shared.upgrade().map(|shared| shared.kept_news.subscribe()) else { return };
    loop {
        match tokio::time::timeout(LOOK_EVERY, news.changed()).await {
            Ok(Ok(())) => tokio::time::sleep(GATHER).await,
            Ok(Err(_)) => return,
            Err(_) => {}
        }
        news.mark_unchanged();
        let Some(shared) = shared.upgrade() else { return };
        if shared.handle(&ws).is_none() {
            return;
        }
        let begin = Instant::now();
        keeper.look(&shared).await;
        let took = begin.elapsed();
        drop(shared);
        tokio::time::sleep(REST.max(10 * took).min(REST_MAX)).await;
    }
}

/// What a keeper remembers of one workspace between two looks.
struct Keeper {
    ws: WorkspaceId,
    /// The chunks that members have named.
    named: ChunkSet,
    /// Those of them that are not here.
    missing: Vec<ChunkId>,
    /// Entries and members at the last look.
    seen: Option<(u64, Vec<EndpointId>)>,
    /// When they are asked again, the next time last.
    again: Vec<Instant>,
}

impl Keeper {
    async fn look(&mut self, shared: &Arc<Shared>) {
        let Some(workspace) = shared.handle(&self.ws) else { return };
        let now = workspace.ask(|engine| {
            let replica = engine.replica();
            let entries = replica.version_vector().iter().map(|at| at.seq).sum::<u64>();
            (entries, replica.connected_members())
        });
        let Some(now) = now.await else { return };
        let is_news = self.seen.as_ref() != Some(&now);
        let is_due = self.again.last().is_some_and(|at| *at <= Instant::now());
        if !is_news && !is_due {
            return;
        }
        if is_news {
            self.again = ASK_AGAIN.iter().rev().map(|after| Instant::now() + *after).collect();
        } else {
            self.again.pop();
        }
        let peers = now.1.clone();
        self.seen = Some(now);
        for peer in peers {
            if let Err(error) = self.ask(shared, peer).await {
                tracing::debug!(%peer, "a keeper could not ask: {error}");
            }
        }
    }

    async fn ask(&mut self, shared: &Arc<Shared>, peer: EndpointId) -> Result<(), AskError> {
        let Some(net) = &shared.net else { return Ok(()) };
        // The last time it asks it has everything, and the member hears that.
        for _ in 0..ROUNDS_MAX {
            let mut here = self.named.clone();
            self.missing.iter().for_each(|id| here.remove(id));
            let mut named = self.named.clone();
            let new = fetch_list(net, peer, &self.ws, &here, &mut named).await?;
            if new.is_empty() && self.missing.is_empty() {
                return Ok(());
            }
            if !new.is_empty() {
                let (store, writes) = (Arc::clone(&shared.storage), store_lists(&self.ws, &named, &new));
                tokio::task::spawn_blocking(move || store.commit(&writes)).await??;
                let lacking = lacking(shared, new.clone()).await?;
                // Both or neither: what was named and is not here must never count as held.
                self.named = named;
                self.missing.extend(lacking);
            }
            let before = self.missing.len();
            for part in self.missing.chunks(REQUEST_CHUNKS_MAX) {
                transfer::fetch(net, peer, part.to_vec(), Arc::clone(&shared.storage), |_| {}).await?;
            }
            if before > 0 {
                let store = Arc::clone(&shared.storage);
                tokio::task::spawn_blocking(move || store.sync_chunks()).await??;
                self.missing = lacking(shared, self.missing.clone()).await?;
            }
            if new.is_empty() && self.missing.len() == before {
                // This member lacks them too.
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Those of these chunks that are not here.
async fn lacking(shared: &Arc<Shared>, ids: Vec<ChunkId>) -> Result<Vec<ChunkId>, AskError> {
    let store = Arc::clone(&shared.storage);
    Ok(tokio::task::spawn_blocking(move || store.missing(&ids)).await??)
}

fn chunks_key(bucket: u8) -> Vec<u8> {
    [CHUNKS_KEY, &[bucket]].concat()
}

/// The chunks that members have named.
fn load(store: &dyn Storage, ws: &WorkspaceId) -> ChunkSet {
    let mut held = ChunkSet::default();
    for bucket in 0..=u8::MAX {
        let key = chunks_key(bucket);
        let ids =
            store.record(Space::workspace(*ws, Table::Setting), &key).ok().flatten().unwrap_or_default();
        for id in ids.chunks_exact(32) {
            held.insert(ChunkId::from_bytes(id.try_into().expect("32 bytes")));
        }
    }
    held
}

/// The records of the buckets in which something is new.
fn store_lists(ws: &WorkspaceId, held: &ChunkSet, new: &[ChunkId]) -> Vec<Write> {
    let buckets: BTreeSet<u8> = new.iter().map(|id| id.as_bytes()[0]).collect();
    let mut values: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for id in held.iter().filter(|id| buckets.contains(&id.as_bytes()[0])) {
        values.entry(id.as_bytes()[0]).or_default().extend_from_slice(id.as_bytes());
    }
    let writes = values.into_iter().map(|(bucket, value)| Write::Record {
        space: Space::workspace(*ws, Table::Setting),
        key: chunks_key(bucket),
        value: Some(value),
    });
    writes.collect()
}

/// Tells a keeper which chunks a workspace is made of.
pub(super) async fn serve(shared: &Arc<Shared>, peer: EndpointId, mut stream: FrameStream) {
    let Ok(Some(frame)) = stream.recv().await else { return };
    let Ok(request) = decode_request(frame) else {
        stream.reset(CloseCode::UNWANTED);
        return;
    };
    let Some(workspace) = shared.handle(&request.ws) else {
        stream.reset(CloseCode::UNWANTED);
        return;
    };
    if !network::is_member_of(&workspace, peer).await {
        stream.reset(CloseCode::UNWANTED);
        return;
    }
    // One list at a time, and as long a rest as it took: who asks again and again takes no more than half of a thread.
    let turn = shared.list_turn.lock().await;
    let begin = Instant::now();
    let here = chunks_of(&workspace).await;
    let took = begin.elapsed();
    tokio::time::sleep(took).await;
    drop(turn);
    let Some(here) = here else { return };
    match serve_list(stream, &request, &here).await {
        Ok(true) => {
            shared.state().kept.insert((request.ws, peer), here.name());
        }
        Ok(false) => {}
        Err(error) => tracing::debug!(%peer, "a list of chunks ended early: {error}"),
    }
}

/// The chunks that a workspace is made of.
async fn chunks_of(workspace: &WorkspaceHandle) -> Option<ChunkSet> {
    let chunks = workspace.ask(|engine| engine.all_chunks()).await?;
    let mut set = ChunkSet::default();
    chunks.into_iter().for_each(|id| {
        set.insert(id);
    });
    Some(set)
}

/// Of the keepers that hold all entries of this device those that hold the files too.
pub(super) async fn complete(
    shared: &Shared,
    workspace: &WorkspaceHandle,
    keepers: Vec<(EndpointId, String)>,
) -> Vec<String> {
    if keepers.is_empty() {
        return Vec::new();
    }
    let Some(name) = chunks_of(workspace).await.map(|chunks| chunks.name()) else { return Vec::new() };
    let state = shared.state();
    let holds = |keeper: &EndpointId| state.kept.get(&(workspace.ws, *keeper)) == Some(&name);
    keepers.into_iter().filter(|(keeper, _)| holds(keeper)).map(|(_, named)| named).collect()
}

/// Checks everything that this device holds for others, and its own workspaces.
pub(super) async fn verify(shared: &Arc<Shared>) -> Result<KeepVerified, ApiError> {
    let records: Vec<WorkspaceRecord> = shared.state().registry.all().cloned().collect();
    let mut workspaces = Vec::new();
    for record in records {
        let named = match shared.handle(&record.id) {
            Some(workspace) if !record.is_kept() => {
                workspace.ask(|engine| engine.all_chunks()).await.ok_or_else(ended)?
            }
            _ => Vec::new(),
        };
        let store = Arc::clone(&shared.storage);
        let checked = tokio::task::spawn_blocking(move || check(&*store, &record, named)).await;
        workspaces.push(checked.map_err(|error| ApiError::failed(error.to_string()))??);
    }
    Ok(KeepVerified { workspaces })
}

/// Checks every chain, signature and hash of a workspace.
pub(super) fn check(
    store: &dyn Storage,
    record: &WorkspaceRecord,
    named: Vec<ChunkId>,
) -> Result<KeptWorkspace, ApiError> {
    let told = |error: weft_store::ReadError| {
        ApiError::failed(opening::chain(&error)).hint("`weft doctor` says more")
    };
    let mut found = Found::new(record.id);
    let mut after = StoredOrder::START;
    loop {
        let read = store.entries_after(record.id, after, EntryFilter::All, READ_BYTES).map_err(told)?;
        let Some(last) = read.last() else { break };
        after = last.order;
        for stored in &read {
            found.take(&stored.bytes, stored.marks.contains(EntryMarks::FORK));
        }
    }
    let mut chunks = if record.is_kept() { load(store, &record.id) } else { ChunkSet::default() };
    named.into_iter().for_each(|id| {
        chunks.insert(id);
    });
    let (mut blobs, mut missing) = (0, 0);
    for id in chunks.iter() {
        match store.chunk(id) {
            Ok(Some(bytes)) if blake3::hash(&bytes).as_bytes() == id.as_bytes() => {
                blobs += 1;
                found.bytes += bytes.len() as u64;
            }
            Ok(None) => missing += 1,
            Ok(Some(_)) => found.damage(format!("chunk {id}: its bytes are not what it is named for")),
            Err(error) => found.damage(format!("chunk {id}: {}", opening::chain(&error))),
        }
    }
    Ok(KeptWorkspace {
        workspace: record.id.to_string(),
        folder: Some(record.root.clone()).filter(|root: &PathBuf| !root.as_os_str().is_empty()),
        logs: found.logs(),
        entries: found.entries,
        blobs,
        bytes: found.bytes,
        missing,
        damaged: found.damaged,
        findings: found.findings(),
    })
}
