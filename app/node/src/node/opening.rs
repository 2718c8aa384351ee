//! Opening a node, and ending it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use weft_net::{Net, NetConfig, NetEvents};
use weft_store::keys::{self, KeyContext, Unlocked};
use weft_store::limits::COMMIT_QUEUE_MAX;
use weft_store::session::{CounterFolders, SessionGuard, SessionVerdict};
use weft_store::{
    GroupCommitter, Home, HomeLock, LockError, PublicIdentity, Space, Storage, Store, Table, Write,
};
use weft_sync::entry::Lane;
use weft_sync::ids::{LogId, SessionId, WorkspaceId};
use weft_sync::invite::Invitations;
use weft_sync::replica::{Replica, ReplicaConfig};

use super::{Node, Shared, State, keeping, network};
use crate::api::{ApiError, KeyChoice, NetworkOptions, NodeOptions};
use crate::folder::RecentTexts;
use crate::profile::Profile;
use crate::registry::{Registry, WorkspaceRecord};
use crate::workspace::engine::Engine;
use crate::workspace::entries;
use crate::workspace::thread::{Message, RunningWorkspace, SESSION_KEY, WorkspaceHandle, WorkspaceParts};

/// How long another command may hold the data folder before this is told.
const LOCK_PATIENCE: Duration = Duration::from_millis(300);
const PORT_KEY: &[u8] = b"preferred port";
const INVITATIONS_KEY: &[u8] = b"invitations";

/// Whether a process uses the data folder now.
#[must_use]
pub fn is_held(home: &Path) -> bool {
    let held = Home::open(home).map(|home| HomeLock::holder(&home));
    matches!(held, Ok(Ok(Some(_))))
}

/// Opens the node of a data folder; with [`NodeOptions::network`] it goes on the network.
///
/// # Errors
/// When the data folder is used by another process ([`crate::api::ErrorKind::Busy`]), its key is
/// not to be had, it is damaged, or the network cannot be used.
pub async fn open(options: NodeOptions) -> Result<Arc<Node>, ApiError> {
    open_with(options, None).await
}

/// Opens the node of a data folder with a key that was unlocked before, where there is one: what a passphrase is read from
/// may give it only once.
pub(super) async fn open_with(
    options: NodeOptions,
    unlocked: Option<Unlocked>,
) -> Result<Arc<Node>, ApiError> {
    let opened = open_data(&options, unlocked).await?;
    let net = match &options.network {
        None => None,
        Some(network) => Some(start_network(network, &opened).await?),
    };
    let (net, events) = net.unzip();
    let storage: Arc<dyn Storage> = opened.store.clone();
    let committer = GroupCommitter::start(Arc::clone(&storage), COMMIT_QUEUE_MAX)
        .map_err(|error| ApiError::failed(format!("the store's thread cannot be started: {error}")))?;
    let shared = Arc::new(Shared {
        ai: super::ai::Ai::new(opened.home.path()),
        home: opened.home,
        store: opened.store,
        storage,
        committer: Mutex::new(Some(Arc::new(committer))),
        sessions: Arc::new(Mutex::new(opened.sessions)),
        profile: RwLock::new(Arc::new(opened.profile)),
        is_lan: options.network.as_ref().is_some_and(|network| network.lan),
        net,
        key_slot: opened.key_slot,
        words_problem: Mutex::new(opened.words_problem),
        notice: opened.notice,
        started: Instant::now(),
        state: Mutex::new(State {
            registry: opened.registry,
            running: BTreeMap::new(),
            invitations: opened.invitations,
            waiting: Vec::new(),
            connected: BTreeSet::new(),
            contacts: BTreeMap::new(),
            kept: BTreeMap::new(),
            net_problem: None,
            rng: opened.rng,
            is_stopping: false,
        }),
        documents: super::documents::OpenDocuments::default(),
        indexes: crate::indexing::Indexes::new(opened.index_secret),
        presence: Arc::default(),
        list_turn: tokio::sync::Mutex::default(),
        kept_news: tokio::sync::watch::Sender::new(0),
        network_task: Mutex::new(None),
        lock: Mutex::new(Some(opened.lock)),
    });
    if let (Some(net), Some(events)) = (&shared.net, events) {
        keep_port(&shared, net);
        let task = network::run(Arc::clone(&shared), net.clone(), events);
        *shared.network_task.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokio::spawn(task));
        tokio::spawn(super::presence::run(
            Arc::downgrade(&shared),
            Arc::clone(&shared.presence),
            net.clone(),
        ));
    }
    start_workspaces(&shared);
    if let Some(network) = &options.network {
        network::want_peers(&shared, &network.peers).await?;
    }
    Ok(Arc::new(Node { shared }))
}

/// Unlocking may ask a keyring or a person, and opening reads from the disk.
async fn open_data(options: &NodeOptions, unlocked: Option<Unlocked>) -> Result<Opened, ApiError> {
    // Keys are drawn from it: it must be as hard to guess as they are.
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| ApiError::failed(format!("no random numbers: {error}")))?;
    let rng = StdRng::from_seed(*seed);
    let (key, home, passphrase) = (options.key, options.home.clone(), options.passphrase.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let (home, lock) = lock_home(&home)?;
        let unlocked = match unlocked {
            Some(unlocked) => unlocked,
            None => with_key_context(key, passphrase.as_ref(), |context| {
                keys::unlock(&home, context).map_err(|error| not_opened(chain(&error), error.hint()))
            })?,
        };
        open_store(home, lock, &unlocked, rng)
    });
    opened.await.map_err(|error| ApiError::failed(format!("opening failed: {error}")))?
}

/// One that does not open leaves the others as they are.
fn start_workspaces(shared: &Arc<Shared>) {
    let records: Vec<WorkspaceRecord> = shared.state().registry.all().cloned().collect();
    for record in records {
        let folder = match record.is_kept() {
            true => StartFolder::Later,
            false => StartFolder::Yes { is_import: false },
        };
        if let Err(error) = start_workspace(shared, &record, folder) {
            tracing::error!(root = %record.root.display(), "a workspace cannot be opened: {error}");
        }
    }
}

async fn start_network(network: &NetworkOptions, opened: &Opened) -> Result<(Net, NetEvents), ApiError> {
    let config = NetConfig {
        secret_key: *opened.profile.keys.transport_secret(),
        listen: network.listen.clone(),
        preferred_port: preferred_port(&*opened.store),
        lan: network.lan,
        relay: network.relay.clone(),
    };
    Net::start(config).await.map_err(|error| {
        let text = format!("the network cannot be used: {error}");
        let told = match error {
            weft_net::NetError::Relay { .. } => ApiError::usage(text),
            _ => ApiError::failed(text),
        };
        told.hint(error.hint())
    })
}

struct Opened {
    home: Home,
    lock: HomeLock,
    store: Arc<Store>,
    sessions: SessionGuard,
    profile: Profile,
    registry: Registry,
    invitations: Invitations,
    index_secret: zeroize::Zeroizing<[u8; 32]>,
    key_slot: String,
    words_problem: Option<String>,
    notice: Option<String>,
    rng: StdRng,
}

fn open_store(home: Home, lock: HomeLock, unlocked: &Unlocked, mut rng: StdRng) -> Result<Opened, ApiError> {
    let store =
        Store::open(home.path(), &unlocked.key).map_err(|error| not_opened(chain(&error), error.hint()))?;
    let profile = load_profile(&home, &store, &mut rng)?;
    let words_problem = keep_recovery(&home, &store, &profile);
    let sessions = SessionGuard::open(&CounterFolders::of_this_machine(), home.path(), &store)
        .map_err(|error| ApiError::failed(chain(&error)).hint(error.hint()))?;
    let unread = |error: weft_store::ReadError| not_opened(chain(&error), error.hint());
    let registry = Registry::load(&store).map_err(unread)?;
    let invitations = store.record(Space::device(Table::Invitation), INVITATIONS_KEY).map_err(unread)?;
    let invitations = invitations.and_then(|bytes| Invitations::from_secret_bytes(&bytes).ok());
    Ok(Opened {
        lock,
        sessions,
        profile,
        registry,
        invitations: invitations.unwrap_or_default(),
        index_secret: unlocked.key.derived("weft 2026 indexes of this device v1"),
        key_slot: unlocked.slot.to_string(),
        words_problem,
        notice: unlocked.notice(),
        store: Arc::new(store),
        home,
        rng,
    })
}

/// Opens a data folder for this process alone.
pub(super) fn lock_home(path: &Path) -> Result<(Home, HomeLock), ApiError> {
    let home = Home::open(path).map_err(|error| not_opened(chain(&error), error.hint()))?;
    let lock = HomeLock::acquire_within(&home, LOCK_PATIENCE).map_err(|error| {
        let is_held = matches!(error, LockError::Held { .. });
        let told = if is_held { ApiError::busy(chain(&error)) } else { ApiError::failed(chain(&error)) };
        told.hint(error.hint()).data_state("nothing was changed")
    })?;
    Ok((home, lock))
}

/// Reads a passphrase, one line, from an open file descriptor.
///
/// # Errors
/// When there is none.
pub fn read_passphrase(descriptor: u32) -> Result<String, ApiError> {
    let read = keys::read_passphrase(descriptor).map_err(|error| {
        ApiError::usage(chain(&error))
            .hint("give it as one line: --passphrase-fd 3 3<passphrase.txt")
            .data_state("nothing was changed")
    })?;
    Ok(secrecy::ExposeSecret::expose_secret(&read).to_owned())
}

/// Does something with what opens or keeps the key of a store.
pub(super) fn with_key_context<T>(
    key: KeyChoice,
    passphrase: Option<&crate::api::PassphrasePrompt>,
    task: impl FnOnce(&mut KeyContext<'_>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let mut ask = |request: keys::PassphraseRequest| {
        let prompt = passphrase?;
        let ask = |text: &str| (prompt.0)(text).ok();
        let answer = match request {
            keys::PassphraseRequest::Unlock(1) => ask("Passphrase of this device's data: ")?,
            keys::PassphraseRequest::Unlock(_) => ask("That was not it. Passphrase of this device's data: ")?,
            keys::PassphraseRequest::Choose => {
                let first = ask("Choose a passphrase for this device's data: ")?;
                (ask("The same again: ")? == first).then_some(first)?
            }
        };
        Some(answer.into())
    };
    let ask: Option<&mut keys::AskPassphrase<'_>> = if passphrase.is_some() { Some(&mut ask) } else { None };
    let mut context = KeyContext::of_this_machine(ask)
        .map_err(|error| ApiError::usage(error.to_string()).hint(error.hint()))?;
    context.choice = match key {
        KeyChoice::Automatic => keys::KeyChoice::Any,
        KeyChoice::Keyring => keys::KeyChoice::Keyring,
        KeyChoice::File => keys::KeyChoice::File,
        KeyChoice::PassphraseDescriptor(fd) => keys::KeyChoice::PassphraseFd(fd.unsigned_abs()),
    };
    task(&mut context)
}

/// A data folder that does not open is left as it is, and so are the shared folders.
pub(super) fn not_opened(message: String, hint: &str) -> ApiError {
    ApiError::failed(message).hint(hint).data_state("nothing was changed; your folders are as they were")
}

fn load_profile(home: &Home, store: &Store, rng: &mut StdRng) -> Result<Profile, ApiError> {
    let told = |error: crate::profile::ProfileError| match &error {
        crate::profile::ProfileError::Read(source) => not_opened(chain(&error), source.hint()),
        _ => ApiError::failed(chain(&error))
            .hint("`weft doctor` looks for damage; a backup brings the keys back"),
    };
    let known = home.read_identity().map_err(|error| not_opened(chain(&error), error.hint()))?;
    let profile = match (Profile::load(store).map_err(told)?, &known) {
        (Some(profile), _) => profile,
        (None, None) => Profile::create(store, rng).map_err(told)?,
        (None, Some(_)) => {
            let path = home.store_db();
            let message = format!(
                "the keys of this device are missing from its store: {}, or the log beside it, was lost or exchanged",
                path.display()
            );
            return Err(not_opened(message, weft_store::OpenError::Lost { path }.hint()));
        }
    };
    // The file is written after the store: a process that ended in between left the one of before.
    if known.is_none_or(|known| known.device != profile.device_id()) {
        write_identity(home, &profile)?;
    }
    Ok(profile)
}

/// Sees to it that the person's words open the data here: at every start, and when the device becomes another person's. They
/// are not needed for that. What keeps it from being so is told by `weft doctor`: it is no reason not to open.
pub(super) fn keep_recovery(home: &Home, store: &Store, profile: &Profile) -> Option<String> {
    match keys::keep_recovery(home, store, &profile.chain.last().recovery) {
        Ok(is_new) => {
            if is_new {
                tracing::info!("from now on the person's 24 words open the data on this device");
            }
            None
        }
        Err(error) => {
            let problem = chain(&error);
            tracing::warn!("the person's 24 words do not open the data on this device: {problem}");
            Some(problem)
        }
    }
}

/// Keeps who this device is where it can be read without the key.
pub(super) fn write_identity(home: &Home, profile: &Profile) -> Result<(), ApiError> {
    let identity = PublicIdentity {
        user: profile.user_id(),
        device: profile.device_id(),
        endpoint: profile.endpoint_id(),
        device_name: profile.label.device.clone(),
    };
    home.write_identity(&identity).map_err(|error| ApiError::failed(chain(&error)).hint(error.hint()))
}

fn preferred_port(store: &dyn Storage) -> Option<u16> {
    let bytes = store.record(Space::device(Table::Setting), PORT_KEY).ok()??;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn keep_port(shared: &Shared, net: &Net) {
    let Some(port) = net.listening().first().map(std::net::SocketAddr::port) else { return };
    let write = Write::Record {
        space: Space::device(Table::Setting),
        key: PORT_KEY.to_vec(),
        value: Some(port.to_le_bytes().to_vec()),
    };
    if let Err(error) = shared.storage.commit(&[write]) {
        tracing::warn!("the port could not be remembered: {error}");
    }
}

/// The write that keeps the invitations.
pub(super) fn keep_invitations(invitations: &Invitations) -> Write {
    Write::Record {
        space: Space::device(Table::Invitation),
        key: INVITATIONS_KEY.to_vec(),
        value: Some(invitations.to_secret_bytes().to_vec()),
    }
}

/// Whether a workspace's folder is mirrored from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartFolder {
    /// Yes.
    Yes {
        /// What is found is what the workspace begins with.
        is_import: bool,
    },
    /// Not before it is asked for.
    Later,
}

/// Starts the thread of a stored workspace.
pub(super) fn start_workspace(
    shared: &Arc<Shared>,
    record: &WorkspaceRecord,
    folder: StartFolder,
) -> Result<WorkspaceHandle, ApiError> {
    let ws = record.id;
    let failed = |text: String| ApiError::failed(text).hint("`weft doctor` looks for damage");
    let stored = entries::stored_state(&*shared.storage, ws).map_err(|error| failed(chain(&error)))?;
    let config = ReplicaConfig {
        ws,
        keys: Arc::clone(&shared.profile().keys),
        session: choose_session(shared, ws)?,
        app_version: format!("weft {}", env!("CARGO_PKG_VERSION")),
    };
    let mut find = |log: &LogId, seq: u64| {
        let read = shared.storage.entries(ws, *log, seq, seq, 1).ok()?;
        read.into_iter().find(|entry| entry.at.seq == seq).map(|entry| entry.at.id)
    };
    let replica = Replica::open(config, stored, &mut find)
        .map_err(|error| ApiError::failed(chain(&error)).hint(error.hint()))?;
    let texts = Arc::new(RecentTexts::default());
    let storage = Arc::clone(&shared.storage);
    let mut engine = Engine::open(ws, storage, replica, Arc::clone(&texts), shared.fork_rng())
        .map_err(|error| failed(chain(&error)))?;
    if folder == (StartFolder::Yes { is_import: true }) {
        engine.set_import();
    }
    let node = Arc::downgrade(shared);
    let runtime = tokio::runtime::Handle::current();
    let (on_event, for_parts) = (runtime.clone(), runtime.clone());
    let parts = WorkspaceParts {
        ws,
        root: record.root.clone(),
        store: Arc::clone(&shared.storage),
        committer: shared.committer()?,
        sessions: Arc::clone(&shared.sessions),
        net: shared.net.clone(),
        runtime: for_parts,
        texts,
        started: shared.started,
        events: Box::new(move |event| {
            if let Some(shared) = node.upgrade() {
                network::engine_event(&shared, &on_event, ws, event);
            }
        }),
    };
    let running = RunningWorkspace::start(engine, parts)
        .map_err(|error| failed(format!("no thread for the workspace: {error}")))?;
    let handle = running.handle.clone();
    shared.state().running.insert(ws, running);
    // What the workspace said of its members while it opened found no workspace of that id.
    let others = Arc::clone(shared);
    runtime.spawn(async move { network::want_members(&others, ws).await });
    if record.is_kept() && shared.net.is_some() {
        runtime.spawn(keeping::run(Arc::downgrade(shared), ws));
    }
    if let StartFolder::Yes { .. } = folder {
        handle.send(Message::StartFolder { watch: shared.net.is_some() });
        // A node that stays has its indexes ready before somebody asks; a command builds one when it needs it.
        if shared.net.is_some() {
            super::searching::begin(shared, &handle, &record.root);
        }
    }
    Ok(handle)
}

/// The session of the last run, where nothing says that the database has been set back or copied since.
fn choose_session(shared: &Shared, ws: WorkspaceId) -> Result<SessionId, ApiError> {
    let told = |error: weft_store::ReadError| ApiError::failed(chain(&error));
    let space = Space::workspace(ws, Table::Setting);
    let last = shared.storage.record(space, SESSION_KEY).map_err(told)?;
    if let Some(session) = last.and_then(|bytes| SessionId::from_slice(&bytes)) {
        let signer = shared.profile().keys.signer();
        let sessions = shared.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut may_go_on, mut is_begun) = (true, false);
        for lane in [Lane::Data, Lane::Control] {
            let log = signer.log_id(&ws, &session, lane);
            if let Some(stored) = shared.storage.log(ws, log).map_err(told)? {
                may_go_on &= matches!(sessions.check(log, stored.last_seq), SessionVerdict::Reuse);
                is_begun = true;
            } else {
                // Nothing of it is here: then nothing of it may have been sent either.
                let verdict = sessions.check(log, 0);
                may_go_on &= !matches!(
                    verdict,
                    SessionVerdict::NewSession(weft_store::session::NewSessionReason::DatabaseBehind { .. })
                );
            }
        }
        // Of a session under which nothing was written the counter says nothing: a copy of this folder has it as well.
        if may_go_on && is_begun {
            return Ok(session);
        }
    }
    let mut bytes = [0; 16];
    rand::Rng::fill_bytes(&mut shared.state().rng, &mut bytes);
    let session = SessionId::from_bytes(bytes);
    let write = Write::Record { space, key: SESSION_KEY.to_vec(), value: Some(bytes.to_vec()) };
    shared.storage.commit(&[write]).map_err(|error| ApiError::failed(chain(&error)))?;
    Ok(session)
}

/// Ends a node: workspaces say their last words, the network says goodbye, the store closes.
pub(super) async fn shut_down(shared: &Arc<Shared>) {
    if let Ok(committer) = shared.committer() {
        committer.stop_waiting();
    }
    let running = {
        let mut state = shared.state();
        state.is_stopping = true;
        state.waiting.clear();
        std::mem::take(&mut state.running)
    };
    let of_indexes = Arc::clone(shared);
    shared.presence.node_ends();
    let stopped = tokio::task::spawn_blocking(move || {
        of_indexes.indexes.stop();
        for workspace in running.into_values() {
            workspace.stop();
        }
    });
    if let Err(error) = stopped.await {
        tracing::error!("a workspace ended badly: {error}");
    }
    if let Some(net) = &shared.net {
        net.shutdown().await;
    }
    let task = shared.network_task.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(task) = task {
        task.abort();
    }
    let committer = shared.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Dropping it waits for what is queued.
    let _ = tokio::task::spawn_blocking(move || drop(committer)).await;
    shared.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// An error with everything that led to it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
