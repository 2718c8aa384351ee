//! The 24 words that a person's key is: showing them, checking them, keeping them on paper only, and bringing everything
//! back with them.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_net::{Address, FrameStream};
use weft_sync::epoch::{Cover, Epoch, Keyring};
use weft_sync::identity::UserKeys;
use weft_sync::ids::{DeviceId, UserId};
use weft_sync::invite::{Joined as Recovered, LinkedWorkspace, OfferedWorkspace, Recovery};
use weft_sync::limits::LINK_WORKSPACES_MAX;
use weft_sync::replica::{Input, WriteId};
use weft_sync::workspace::{self as membership_of, add_own_device};
use zeroize::Zeroizing;

use super::governing::until;
use super::inviting::control_entries_of;
use super::joining::{self, Filling, GreetError, Whom};
use super::linking::{check_free, places, settle};
use super::{Shared, ended, network, opening};
use crate::api::{
    self, ApiError, BoxFuture, DeviceAccepted, ProgressSink, RecoveryChecked, RecoveryKept, RecoveryWords,
    Words,
};
use crate::profile::{Profile, WordsState};
use crate::workspace::entries;
use crate::workspace::people::People;
use crate::workspace::thread::WorkspaceHandle;

/// The words, to be written down.
pub(super) async fn words(shared: &Arc<Shared>) -> Result<RecoveryWords, ApiError> {
    let user = user_key(shared)?;
    let words = user.words().split(' ').map(|word| Words(word.to_owned())).collect();
    let keepers = keepers(shared).await;
    Ok(RecoveryWords { words, keepers })
}

fn user_key(shared: &Shared) -> Result<Arc<UserKeys>, ApiError> {
    let profile = shared.profile();
    profile.user.clone().ok_or_else(|| {
        let told = ApiError::failed("your personal key does not lie on this device");
        match profile.words {
            WordsState::PaperOnly => told.hint("it is the 24 words that you wrote down, and nowhere else"),
            _ => told.hint("run this on your first device; if that is lost, the words on paper are the key"),
        }
    })
}

/// Where devices are that hold everything even when all of one's own are gone: as `--from` takes it.
async fn keepers(shared: &Shared) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    for workspace in shared.handles() {
        let own = shared.profile().user_id();
        let devices = workspace.ask(|engine| engine.replica().named_devices()).await.unwrap_or_default();
        for device in devices.into_iter().filter(|device| device.user != own) {
            let place =
                network::remembered(shared, device.endpoint).into_iter().find_map(|place| match place {
                    Address::Ip(address) => Some(address),
                    Address::Relay(_) => None,
                });
            let Some(place) = place else { continue };
            let who = match (device.label.name.as_str(), device.label.device.as_str()) {
                ("", "") => String::new(),
                (name, device) => format!("  ({name}, {device})"),
            };
            let is_keeper = device.class == weft_sync::acl::Class::Keeper;
            found.insert((!is_keeper, format!("{}@{place}{who}", device.endpoint)));
        }
    }
    found.into_iter().map(|(_, text)| text).collect()
}

pub(super) fn parse_words(words: &Words) -> Result<UserKeys, ApiError> {
    let words = Zeroizing::new(words.0.clone());
    UserKeys::from_words(&words).map_err(|error| {
        ApiError::usage(error.to_string()).hint(error.hint()).data_state("nothing was changed")
    })
}

/// Whether these are the words of the person at this device.
pub(super) fn check(shared: &Shared, request: &api::RecoveryCheck) -> Result<RecoveryChecked, ApiError> {
    let user = parse_words(&request.words)?;
    let profile = shared.profile();
    if user.user_id() != profile.user_id() {
        return Err(ApiError::failed("these are the words of somebody else, or of another data folder")
            .hint("`weft device recovery` shows yours on the device where your personal key lies")
            .data_state("nothing was changed"));
    }
    if profile.words == WordsState::Unchecked {
        keep(shared, &Arc::new(profile.with_words(WordsState::Checked)))?;
    }
    Ok(RecoveryChecked { ok: true })
}

/// Takes the key off this device: from then on it is the words alone.
pub(super) async fn paper_only(shared: &Shared) -> Result<RecoveryKept, ApiError> {
    let profile = shared.profile();
    if profile.words == WordsState::PaperOnly {
        return forget(shared).await;
    }
    user_key(shared)?;
    if profile.words != WordsState::Checked {
        return Err(ApiError::usage("nobody has shown yet to have the 24 words")
            .hint("`weft device recovery` shows them, `weft device recovery --check` asks for them; then this can be done")
            .data_state("the key stays on this device"));
    }
    keep(shared, &Arc::new(profile.with_words(WordsState::PaperOnly)))?;
    forget(shared).await
}

/// The record of the key is deleted: sees to it that no earlier state of the database holds it either.
async fn forget(shared: &Shared) -> Result<RecoveryKept, ApiError> {
    let store = Arc::clone(&shared.store);
    // It waits for readers.
    let emptied =
        tokio::task::spawn_blocking(move || store.empty_log().map_err(|error| opening::chain(&error)));
    let emptied = emptied.await.unwrap_or_else(|error| Err(error.to_string()));
    emptied.map_err(|text| {
        ApiError::failed(format!("the key is deleted, but may still stand in the log beside the database: {text}"))
            .hint("run `weft device recovery --paper-only` again in a moment; ending the node empties the log as well")
            .data_state("your personal key is the 24 words that you wrote down")
    })?;
    Ok(RecoveryKept { user_key: api::UserKeyPlace::Paper })
}

fn keep(shared: &Shared, profile: &Arc<Profile>) -> Result<(), ApiError> {
    profile
        .store(&*shared.storage, Vec::new())
        .map_err(|error| ApiError::failed(opening::chain(&error)).hint(error.hint()))?;
    *shared.profile.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(profile);
    Ok(())
}

/// What a device gets that comes with nothing but the words of this person.
pub(super) async fn workspaces_of(shared: &Shared, user: UserId, device: DeviceId) -> Vec<LinkedWorkspace> {
    let mut workspaces = Vec::new();
    for workspace in shared.handles() {
        match held_for(shared, &workspace, user, device).await {
            Ok(Some(held)) if workspaces.len() < LINK_WORKSPACES_MAX => workspaces.push(held),
            Ok(Some(_)) => break,
            Ok(None) => {}
            Err(error) => tracing::warn!("a workspace could not be given back: {error}"),
        }
    }
    workspaces
}

async fn held_for(
    shared: &Shared,
    workspace: &WorkspaceHandle,
    user: UserId,
    device: DeviceId,
) -> Result<Option<LinkedWorkspace>, ApiError> {
    let told = workspace.ask(move |engine| {
        let replica = engine.replica();
        let members = replica.membership().filter(|members| !members.is_removed(&device))?;
        members.class_of(&user)?;
        let has_data = replica.membership().is_some() && !replica.version_vector().is_empty();
        Some((replica.workspace_name().unwrap_or_default(), engine.progressed(), has_data))
    });
    let Some((name, done, has_data)) = told.await.ok_or_else(ended)? else { return Ok(None) };
    // A keeper cannot count files; that there are some is to be waited for.
    let files = if name.is_empty() { u64::from(has_data) } else { done.files };
    let offered = OfferedWorkspace { ws: workspace.ws, name, files, bytes: done.bytes };
    Ok(Some((offered, control_entries_of(shared, workspace).await?)))
}

/// Brings everything back: returns when the files of all workspaces are on disk.
pub(super) async fn restore(
    shared: &Arc<Shared>,
    request: api::RecoveryRestore,
    progress: &ProgressSink,
) -> Result<DeviceAccepted, ApiError> {
    let begin = Instant::now();
    let deadline = begin + Duration::from_secs_f64(request.timeout_seconds.clamp(0.0, 1e6));
    let user = Arc::new(parse_words(&request.words)?);
    check_free(shared, &user.user_id())?;
    let endpoint = request.from.endpoint.as_deref().ok_or_else(|| {
        ApiError::usage("the address does not say which device it is")
            .hint("give it as ENDPOINT@HOST:PORT; `weft node` prints its endpoint, `weft device recovery` those of others")
    })?;
    let whom = Whom {
        endpoint: network::parse_endpoint(endpoint)?,
        places: vec![Address::from(request.from.address)],
        name: "the device that holds your workspaces".to_owned(),
        relay: None,
    };
    let keys = shared.profile().keys.given_to(user.user_id());
    let certified = user.certify(&keys.claim());
    let chain = certified.map_err(|error| ApiError::failed(opening::chain(&error)))?;
    let ask = |stream| -> BoxFuture<'_, _> { Box::pin(fetch(&chain, stream)) };
    let mut workspaces = joining::reach(shared, &whom, deadline, progress, ask).await?;
    let keyrings: Vec<Keyring> = workspaces.iter().map(|(_, joined)| open_keys(joined, &user)).collect();
    let mut name = String::new();
    for ((offered, joined), keyring) in workspaces.iter_mut().zip(&keyrings) {
        if let Some(known) = membership_of::name(&joined.membership, keyring) {
            offered.name = known;
        }
        if name.is_empty() {
            name = name_of(joined, keyring, &user.user_id());
        }
    }
    let offered: Vec<OfferedWorkspace> = workspaces.iter().map(|(offered, _)| offered.clone()).collect();
    let places = places(shared, &offered, &request.parent)?;
    let keep = workspaces.iter().zip(&keyrings);
    let keep = keep.map(|((_, joined), keyring)| entries::keep_keys(joined.ws, keyring)).collect();
    let profile = Arc::new(Profile::of_person(keys, Some(Arc::clone(&user)), chain, &name));
    let entered = settle(shared, &profile, workspaces, &places, &request.parent, keep)?;
    let mut joined = Vec::new();
    for (entered, is_new) in entered {
        let_in(shared, &entered.1, &profile, &user).await?;
        if let Some(net) = &shared.net {
            // Wanting ourselves is refused, which only happens with an address of our own.
            let _ = net.want(whom.endpoint, whom.places.clone()).await;
        }
        let filling = Filling { entered, is_new, existing: request.existing, begin, deadline };
        joined.push(joining::fill(shared, filling, progress).await?);
    }
    Ok(DeviceAccepted {
        user: profile.user_id().to_string(),
        user_name: Some(profile.label.name.clone()),
        device: profile.device_id().to_string(),
        workspaces: joined,
    })
}

async fn fetch(
    chain: &weft_sync::certificate::VerifiedChain,
    mut stream: FrameStream,
) -> Result<Vec<(OfferedWorkspace, Recovered)>, GreetError> {
    let (mut recovery, ask) = Recovery::new(chain);
    stream.send(Bytes::from(ask)).await?;
    loop {
        let Some(frame) = stream.recv().await? else {
            return Err(GreetError::Lost("it hung up".to_owned()));
        };
        match recovery.handle(&frame) {
            Ok(Some(workspaces)) => return Ok(workspaces),
            Ok(None) => {}
            Err(weft_sync::invite::JoinError::Refused(weft_sync::invite::Refusal::Unknown)) => {
                return Err(GreetError::Final(
                    ApiError::not_found("that device holds no workspace of yours")
                        .hint("check the words and the address; only who is still a member is given anything")
                        .data_state("nothing was changed"),
                ));
            }
            Err(error) => return Err(GreetError::Final(joining::refused(&error))),
        }
    }
}

/// The keys that were wrapped for the words.
fn open_keys(joined: &Recovered, user: &UserKeys) -> Keyring {
    let mut keyring = Keyring::default();
    for entry in &joined.entries {
        if let Ok(epoch) = entry.clear::<Epoch>() {
            // Epochs that are not for us leave us asking for their keys.
            let _ = keyring.offer(&epoch, &Cover::Recovery(user.user_id()), user.age_identity());
        }
    }
    keyring
}

/// What the person was called.
fn name_of(joined: &Recovered, keyring: &Keyring, user: &UserId) -> String {
    let labels = membership_of::labels(&joined.membership, keyring);
    let own = |device: &DeviceId| joined.membership.device(device).is_some_and(|live| live.user == *user);
    let named = labels.into_iter().find(|(device, label)| own(device) && !label.name.is_empty());
    named.map(|(_, label)| label.name).unwrap_or_default()
}

/// Writes that this device is in, with the key that the words are.
async fn let_in(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
    profile: &Arc<Profile>,
    user: &Arc<UserKeys>,
) -> Result<(), ApiError> {
    let mut rng = shared.fork_rng();
    let (profile, user) = (Arc::clone(profile), Arc::clone(user));
    let device = profile.device_id();
    let written = workspace.ask(move |engine| {
        let replica = engine.replica();
        let members = replica.membership()?;
        if members.is_live(&device) {
            return Some(Ok(()));
        }
        let operations = add_own_device(members, replica.keyring(), &profile.chain, &profile.label, &mut rng);
        Some(operations.map(|operations| {
            engine.feed(Input::WriteAsUser { write: WriteId(0), user, operations });
        }))
    });
    let written = written.await.ok_or_else(ended)?.ok_or_else(ended)?;
    written.map_err(|error| ApiError::not_allowed(error.to_string()).hint(error.hint()))?;
    until(workspace, move |members| members.is_live(&device)).await
}
