//! A node: the workspaces of one data folder, and the network they share.

mod admitting;
pub(crate) mod ai;
mod asking;
mod auditing;
mod backing_up;
mod calls;
mod checking;
mod documents;
mod governing;
mod healing;
mod health;
mod inviting;
mod joining;
mod keeping;
mod linking;
mod names;
mod network;
mod opening;
mod paths;
mod presence;
mod recovering;
mod replacing;
mod searching;
mod transform;
mod unlocking;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use rand::rngs::StdRng;
use tokio::sync::watch;
use weft_net::Net;
use weft_store::session::SessionGuard;
use weft_store::{GroupCommitter, Home, HomeLock, Storage, Store};
use weft_sync::ids::{EndpointId, WallMillis, WorkspaceId};
use weft_sync::invite::Invitations;

use crate::api::{ApiError, BoxFuture, CallContext, NodeApi, OwnNode, Request, Response, SessionId};
use crate::profile::Profile;
use crate::registry::Registry;
use crate::workspace::thread::{RunningWorkspace, WorkspaceHandle};

pub use self::backing_up::{check_backup, restore_backup};
pub use self::checking::check_trail;
pub(crate) use self::inviting::WaitingNewcomer;
pub use self::joining::check_ticket;
pub use self::opening::{is_held, open, read_passphrase};
pub use self::unlocking::unlock_with_words;

/// A running node.
pub struct Node {
    pub(crate) shared: Arc<Shared>,
}

/// What the parts of a node have in common.
pub(crate) struct Shared {
    pub(crate) home: Home,
    pub(crate) store: Arc<Store>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) committer: Mutex<Option<Arc<GroupCommitter>>>,
    pub(crate) sessions: Arc<Mutex<SessionGuard>>,
    /// Another one only when this device is linked to a person, or brought back with their words.
    pub(crate) profile: RwLock<Arc<Profile>>,
    pub(crate) net: Option<Net>,
    pub(crate) is_lan: bool,
    pub(crate) key_slot: String,
    /// Why the person's words do not open the data here, if they do not.
    pub(crate) words_problem: Mutex<Option<String>>,
    pub(crate) notice: Option<String>,
    pub(crate) started: Instant,
    pub(crate) state: Mutex<State>,
    pub(crate) documents: documents::OpenDocuments,
    /// Language models on this device.
    pub(crate) ai: Arc<ai::Ai>,
    pub(crate) indexes: crate::indexing::Indexes,
    pub(crate) presence: Arc<presence::Presence>,
    /// Held by whoever makes a list of chunks for a keeper.
    pub(crate) list_turn: tokio::sync::Mutex<()>,
    /// Changes when something came that is kept for others.
    pub(crate) kept_news: watch::Sender<u64>,
    /// Ends the loop that reads the network's events.
    pub(crate) network_task: Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// Given free last.
    pub(crate) lock: Mutex<Option<HomeLock>>,
}

/// What changes while a node runs.
pub(crate) struct State {
    pub(crate) registry: Registry,
    pub(crate) running: BTreeMap<WorkspaceId, RunningWorkspace>,
    pub(crate) invitations: Invitations,
    pub(crate) waiting: Vec<WaitingNewcomer>,
    pub(crate) connected: BTreeSet<EndpointId>,
    pub(crate) contacts: BTreeMap<EndpointId, WallMillis>,
    /// Which keepers have said that they hold all chunks of a workspace, and of which set.
    pub(crate) kept: BTreeMap<(WorkspaceId, EndpointId), [u8; 32]>,
    pub(crate) net_problem: Option<String>,
    pub(crate) rng: StdRng,
    pub(crate) is_stopping: bool,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who this device is.
    pub(crate) fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A random generator of its own for a task.
    pub(crate) fn fork_rng(&self) -> StdRng {
        use rand::SeedableRng as _;
        StdRng::from_rng(&mut self.state().rng)
    }

    pub(crate) fn committer(&self) -> Result<Arc<GroupCommitter>, ApiError> {
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner);
        committer.clone().ok_or_else(|| ApiError::busy("the node is ending"))
    }

    /// The running workspaces.
    pub(crate) fn handles(&self) -> Vec<WorkspaceHandle> {
        self.state().running.values().map(|running| running.handle.clone()).collect()
    }

    pub(crate) fn handle(&self, ws: &WorkspaceId) -> Option<WorkspaceHandle> {
        self.state().running.get(ws).map(|running| running.handle.clone())
    }

    /// The workspace that a path lies in, with its folder.
    pub(crate) fn workspace_of(&self, path: &Path) -> Result<(WorkspaceHandle, PathBuf, PathBuf), ApiError> {
        let place = paths::absolute(path);
        let state = self.state();
        let Some((record, rest)) = state.registry.find(&place) else {
            return Err(ApiError::not_found(format!("{} is in no workspace", path.display()))
                .hint("`weft init` makes a folder a workspace, `weft join TICKET` joins one"));
        };
        let (root, id) = (record.root.clone(), record.id);
        if self.store.is_closed() {
            return Err(ApiError::failed("the disk has failed: nothing more is stored")
                .data_state("what was acknowledged is stored; what was saved lies in the folder")
                .hint("check the disk and the system log, then end the node with `weft node --stop` and start it again"));
        }
        let handle = state.running.get(&id).map(|running| running.handle.clone());
        let handle = handle.ok_or_else(|| {
            ApiError::failed(format!("the workspace at {} could not be opened", root.display()))
                .hint("`weft doctor` and `weft diagnostics` tell why")
        })?;
        Ok((handle, root, rest))
    }
}

/// What is said when a workspace's thread has ended.
pub(crate) fn ended() -> ApiError {
    ApiError::busy("the workspace is ending").hint("try again in a moment")
}

impl NodeApi for Node {
    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'_, Result<Response, ApiError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            if shared.state().is_stopping {
                return Err(ApiError::busy("the node is ending"));
            }
            calls::call(&shared, request, context).await
        })
    }

    fn session_closed(&self, session: SessionId) {
        self.shared.documents.close_session(session);
        self.shared.ai.close_session(session);
        self.shared.presence.close_session(session);
    }
}

impl OwnNode for Node {
    fn shut_down(&self) -> BoxFuture<'_, ()> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { opening::shut_down(&shared).await })
    }
}

/// This moment by the clock on the wall.
pub(crate) fn wall_now() -> WallMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    WallMillis(i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX))
}
