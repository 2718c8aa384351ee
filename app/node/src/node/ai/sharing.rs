//! Models that travel between the members of a workspace: nobody needs the internet for one that a colleague has.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use data_encoding::HEXLOWER;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use weft_net::{CloseCode, FrameStream, Net};
use weft_sync::acl::Class;
use weft_sync::ids::{EndpointId, WorkspaceId};
use weft_sync::membership::Standing;

use super::super::Shared;
use super::catalogue::{self, bytes_of, shown, waiting};
use crate::api::{
    AiModel, AiModelGet, AiModelHolder, AiModelOffer, AiModelOffers, AiModelShare, AiModelsOffered, ApiError,
    ProgressSink, Purpose, Stage,
};
use crate::models::{Hardware, ModelRecord, ModelsError, roles};
use crate::transfer::models::{
    ModelOffer, ModelRequest, OFFERS_MAX, decode_offers, decode_request, encode_offers, encode_request,
    model_requests,
};
use crate::workspace::people::{NamedDevice, People as _};
use crate::workspace::thread::WorkspaceHandle;

/// The largest model that is fetched.
const MODEL_BYTES_MAX: u64 = 1 << 40;
/// Models that are sent at a time; who comes then is told to come again.
const SENDING_MAX: usize = 2;
/// Bytes of a model in one frame.
const BLOCK_BYTES: usize = 512 * 1024;
/// Blocks that are read ahead.
const BLOCKS_AHEAD: usize = 4;
/// Whoever says nothing for so long is asked no more.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The places for sending.
pub(super) fn places() -> Semaphore {
    Semaphore::new(SENDING_MAX)
}

/// Lets the members of a workspace fetch a model from here, or no more.
pub(in crate::node) async fn share(shared: &Arc<Shared>, request: AiModelShare) -> Result<AiModel, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let (shared, ws) = (Arc::clone(shared), workspace.ws.to_string());
    waiting(move || {
        let folder = &shared.ai.folder;
        let record = folder.find(&request.id).map_err(catalogue::error)?;
        if !request.stop {
            // What is shared must be what was taken in.
            folder.summary(&record).map_err(catalogue::error)?;
            let others = folder.list().iter().filter(|record| record.shared_in.contains(&ws)).count();
            if others >= OFFERS_MAX && !record.shared_in.contains(&ws) {
                return Err(ApiError::usage(format!("{OFFERS_MAX} models are shared there already"))
                    .hint("`weft ai models share MODEL --stop` ends sharing one"));
            }
        }
        let record = folder.share(&record, &ws, !request.stop).map_err(catalogue::error)?;
        Ok(shown(&shared, record, &Hardware::look()))
    })
    .await?
}

/// Answers a device that asks about models.
pub(in crate::node) async fn serve(shared: &Arc<Shared>, peer: EndpointId, mut stream: FrameStream) {
    let asked = match timeout(ANSWER_TIME_MAX, stream.recv()).await {
        Ok(Ok(Some(frame))) => decode_request(frame).ok(),
        _ => return,
    };
    let Some(request) = asked else { return stream.reset(CloseCode::PROTOCOL) };
    let Some(workspace) = shared.handle(&request.ws) else { return stream.reset(CloseCode::UNWANTED) };
    if !may_read(&workspace, peer).await {
        return stream.reset(CloseCode::UNWANTED);
    }
    let sent = match request.get {
        None => send_offers(shared, &request.ws, &mut stream).await,
        Some((sha256, offset)) => {
            let Ok(_turn) = shared.ai.sending.try_acquire() else { return stream.reset(CloseCode::BUSY) };
            let Some(record) = shared_record(shared, &request.ws, &sha256).await else {
                return stream.reset(CloseCode::UNWANTED);
            };
            send_model(shared.ai.folder.file(&record), record.bytes, offset, &mut stream).await
        }
    };
    if sent.is_none() {
        tracing::debug!(%peer, "a model was not sent to its end");
    }
}

/// Whether a device belongs to somebody who may read the workspace: keepers get no models.
async fn may_read(workspace: &WorkspaceHandle, peer: EndpointId) -> bool {
    let standing = workspace.ask(move |engine| {
        let members = engine.replica().membership();
        let standing = members.map(|members| members.standing_of(&peer));
        matches!(standing, Some(Standing::Live(device)) if device.class >= Class::Viewer)
    });
    standing.await.unwrap_or(false)
}

async fn records_in(shared: &Arc<Shared>, ws: &WorkspaceId) -> Vec<ModelRecord> {
    let (folder, ws) = (shared.ai.folder.clone(), ws.to_string());
    let list = waiting(move || folder.list().into_iter().filter(|it| it.shared_in.contains(&ws)).collect());
    list.await.unwrap_or_default()
}

async fn shared_record(shared: &Arc<Shared>, ws: &WorkspaceId, sha256: &[u8; 32]) -> Option<ModelRecord> {
    let wanted = HEXLOWER.encode(sha256);
    records_in(shared, ws).await.into_iter().find(|record| record.sha256 == wanted)
}

async fn send_offers(shared: &Arc<Shared>, ws: &WorkspaceId, stream: &mut FrameStream) -> Option<()> {
    let (records, folder) = (records_in(shared, ws).await, shared.ai.folder.clone());
    let offers = waiting(move || records.iter().filter_map(|record| offer(&folder, record)).collect());
    stream.send(encode_offers(offers.await.ok()?)).await.ok()?;
    stream.finish().await.ok()
}

/// What is told of a model; nothing of one whose file is not what it was.
fn offer(folder: &crate::models::ModelFolder, record: &ModelRecord) -> Option<ModelOffer> {
    let summary = folder.summary(record).ok()?;
    Some(ModelOffer {
        sha256: HEXLOWER.decode(record.sha256.as_bytes()).ok()?.try_into().ok()?,
        bytes: record.bytes,
        id: record.id.clone(),
        is_embedding: roles(&summary).contains(&Purpose::Embedding),
        license: summary.license,
    })
}

async fn send_model(
    path: impl AsRef<Path> + Send + 'static,
    total: u64,
    offset: u64,
    stream: &mut FrameStream,
) -> Option<()> {
    let (blocks, mut queue) = mpsc::channel::<Bytes>(BLOCKS_AHEAD);
    let reading = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset.min(total)))?;
        loop {
            let mut block = Vec::with_capacity(BLOCK_BYTES);
            (&mut file).take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
            // An error means that the other side has gone.
            if block.is_empty() || blocks.blocking_send(block.into()).is_err() {
                return Ok(());
            }
        }
    });
    stream.send(Bytes::copy_from_slice(&total.to_le_bytes())).await.ok()?;
    while let Some(block) = queue.recv().await {
        // A member who never reads keeps none of the places for sending.
        timeout(SILENCE_MAX, stream.send(block)).await.ok()?.ok()?;
    }
    reading.await.ok()?.ok()?;
    stream.finish().await.ok()
}

/// A model that others share, and the devices that have it.
struct Found {
    offer: ModelOffer,
    holders: Vec<NamedDevice>,
}

/// What all devices share that are connected now.
async fn look(shared: &Arc<Shared>, workspace: &WorkspaceHandle) -> Result<(Vec<Found>, usize), ApiError> {
    let net = net(shared)?;
    let devices = workspace.ask(|engine| {
        let replica = engine.replica();
        let connected = replica.connected_members();
        let devices = replica.named_devices().into_iter();
        devices.filter(|it| it.class >= Class::Viewer && connected.contains(&it.endpoint)).collect::<Vec<_>>()
    });
    let devices = devices.await.ok_or_else(super::super::ended)?;
    let asked = devices.len();
    let mut asking = tokio::task::JoinSet::new();
    for device in devices {
        let (net, ws) = (net.clone(), workspace.ws);
        asking.spawn(async move {
            let offers = timeout(ANSWER_TIME_MAX, offers_of(&net, device.endpoint, ws)).await;
            (device, offers.ok().flatten())
        });
    }
    let mut found: BTreeMap<[u8; 32], Found> = BTreeMap::new();
    while let Some(answer) = asking.join_next().await {
        let Ok((device, Some(offers))) = answer else { continue };
        for offer in offers {
            let holders =
                &mut found.entry(offer.sha256).or_insert(Found { offer, holders: Vec::new() }).holders;
            if !holders.iter().any(|holder| holder.endpoint == device.endpoint) {
                holders.push(device.clone());
            }
        }
    }
    let mut found: Vec<Found> = found.into_values().collect();
    found.sort_by(|a, b| a.offer.id.cmp(&b.offer.id));
    Ok((found, asked))
}

fn net(shared: &Arc<Shared>) -> Result<Net, ApiError> {
    shared.net.clone().ok_or_else(|| {
        ApiError::unreachable("no node runs on this device: the others cannot be asked")
            .hint("start one with `weft node --detach`")
            .data_state("the models are as they were")
    })
}

async fn offers_of(net: &Net, peer: EndpointId, ws: WorkspaceId) -> Option<Vec<ModelOffer>> {
    let mut stream = net.request(peer, model_requests()).await.ok()?;
    stream.send(encode_request(&ModelRequest { ws, get: None })).await.ok()?;
    stream.finish().await.ok()?;
    decode_offers(&stream.recv().await.ok()??).ok()
}

/// Lists the models that the others share now.
pub(in crate::node) async fn offers(
    shared: &Arc<Shared>,
    request: AiModelOffers,
) -> Result<AiModelsOffered, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let (found, asked) = look(shared, &workspace).await?;
    let here = records_here(shared).await;
    let models = found.into_iter().map(|found| {
        let sha256 = HEXLOWER.encode(&found.offer.sha256);
        AiModelOffer {
            is_here: here.iter().any(|record| record.sha256 == sha256),
            sha256,
            id: found.offer.id,
            bytes: found.offer.bytes,
            roles: if found.offer.is_embedding {
                vec![Purpose::Embedding]
            } else {
                vec![Purpose::Completion, Purpose::Chat]
            },
            license: found.offer.license,
            holders: found.holders.into_iter().map(holder).collect(),
        }
    });
    Ok(AiModelsOffered { models: models.collect(), devices_asked: asked })
}

fn holder(device: NamedDevice) -> AiModelHolder {
    AiModelHolder { user_name: device.label.name, device_name: device.label.device }
}

async fn records_here(shared: &Arc<Shared>) -> Vec<ModelRecord> {
    let folder = shared.ai.folder.clone();
    waiting(move || folder.list()).await.unwrap_or_default()
}

/// Fetches a model from whoever shares it; what came of it is kept when it breaks off, and the next time goes on there.
pub(in crate::node) async fn get(
    shared: &Arc<Shared>,
    request: AiModelGet,
    progress: &ProgressSink,
) -> Result<AiModel, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let (found, asked) = look(shared, &workspace).await?;
    let Found { offer, holders } = pick(found, &request.id, asked)?;
    if offer.bytes > MODEL_BYTES_MAX {
        return Err(ApiError::usage(format!("{} bytes are no model", offer.bytes))
            .hint("ask whoever shares it")
            .data_state("the models are as they were"));
    }
    let sha256 = HEXLOWER.encode(&offer.sha256);
    let here = records_here(shared).await.into_iter().find(|record| record.sha256 == sha256);
    let record = match here {
        Some(record) => record,
        None => {
            let folder = &shared.ai.folder;
            let name = folder.free_id(request.name.as_deref(), &offer.id).map_err(catalogue::error)?;
            let partial = folder.partial(&format!("shared-{}", &sha256[..16]));
            let source = format!("{} in {}", people(&holders), workspace_name(shared, &workspace));
            let report = bytes_of(progress, Stage::Receive);
            fetch(&net(shared)?, workspace.ws, &offer, &holders, &partial, &report).await?;
            let (folder, partial) = (folder.clone(), partial.clone());
            let taken = waiting(move || folder.take_checked(&partial, Some(sha256), name, source)).await?;
            taken.map_err(catalogue::error)?
        }
    };
    let shared = Arc::clone(shared);
    waiting(move || shown(&shared, record, &Hardware::look())).await
}

fn people(holders: &[NamedDevice]) -> String {
    let names: std::collections::BTreeSet<&str> = holders.iter().map(|it| it.label.name.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn workspace_name(shared: &Shared, workspace: &WorkspaceHandle) -> String {
    let state = shared.state();
    let known = state.registry.all().find(|record| record.id == workspace.ws);
    known.map_or_else(|| workspace.ws.to_string(), |record| record.name.clone())
}

/// The model of a name, or of the beginning of a checksum.
fn pick(found: Vec<Found>, id: &str, asked: usize) -> Result<Found, ApiError> {
    let is_meant = |found: &Found| {
        found.offer.id == id || (id.len() >= 8 && HEXLOWER.encode(&found.offer.sha256).starts_with(id))
    };
    let mut meant: Vec<Found> = found.into_iter().filter(is_meant).collect();
    match (meant.len(), asked) {
        (1, _) => Ok(meant.remove(0)),
        (0, 0) => Err(ApiError::unreachable("no device of another member is connected")
            .hint("`weft status` says who is; whoever shares the model must be there")),
        (0, asked) => Err(ApiError::not_found(format!(
            "none of {asked} connected devices shares a model {id:?}"
        ))
        .hint("`weft ai models offers` lists what is shared; `weft ai models share MODEL` shares one")),
        (_, _) => Err(ApiError::usage(format!("different models are called {id:?}"))
            .hint("name it by the beginning of its SHA-256, which `weft ai models offers` shows")),
    }
}

/// Fetches what is missing, from one device after the other until there is all of it.
async fn fetch(
    net: &Net,
    ws: WorkspaceId,
    offer: &ModelOffer,
    holders: &[NamedDevice],
    partial: &Path,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(), ApiError> {
    let failed = |source: std::io::Error| {
        catalogue::error(ModelsError::Io { what: "the model cannot be written".to_owned(), source })
    };
    if let Some(folder) = partial.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(partial).map_err(failed)?;
    if file.try_lock().is_err() {
        return Err(ApiError::busy("this model is being fetched already").hint("wait until that is done"));
    }
    let have = file.metadata().map_err(failed)?.len();
    crate::models::has_room(partial, offer.bytes.saturating_sub(have)).map_err(catalogue::error)?;
    let mut last = None;
    for holder in holders {
        match fetch_from(net, ws, offer, holder, &mut file, progress).await {
            Ok(()) => {
                file.sync_all().map_err(failed)?;
                return Ok(());
            }
            Err(why) => last = Some(format!("{} ({}): {why}", holder.label.name, holder.label.device)),
        }
    }
    let why = last.unwrap_or_else(|| "nobody has it".to_owned());
    Err(ApiError::unreachable(format!("the model could not be fetched: {why}"))
        .hint("the same command goes on where it broke off")
        .data_state("what has come is kept; the other models are as they were"))
}

async fn fetch_from(
    net: &Net,
    ws: WorkspaceId,
    offer: &ModelOffer,
    holder: &NamedDevice,
    file: &mut File,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(), String> {
    let told = |error: &dyn std::error::Error| super::super::opening::chain(error);
    let mut done = file.metadata().map_err(|error| told(&error))?.len();
    if done > offer.bytes {
        // What lies there is no beginning of it.
        file.set_len(0).map_err(|error| told(&error))?;
        done = 0;
    }
    if done == offer.bytes {
        return Ok(());
    }
    let mut stream = net.request(holder.endpoint, model_requests()).await.map_err(|error| told(&error))?;
    let request = ModelRequest { ws, get: Some((offer.sha256, done)) };
    stream.send(encode_request(&request)).await.map_err(|error| told(&error))?;
    stream.finish().await.map_err(|error| told(&error))?;
    let mut total = None;
    loop {
        let silence = |_| "it says nothing any more".to_owned();
        let frame = timeout(SILENCE_MAX, stream.recv()).await.map_err(silence)?;
        let Some(mut frame) = frame.map_err(|error| told(&error))? else { break };
        if total.is_none() {
            total = Some(frame.try_get_u64_le().map_err(|_| "it sends something else".to_owned())?);
            if total != Some(offer.bytes) {
                return Err("it has another length than was told".to_owned());
            }
            continue;
        }
        if frame.len() as u64 > offer.bytes - done {
            return Err("it sends more than it has".to_owned());
        }
        // Blocks are short, and the disk's cache takes them.
        file.write_all(&frame).map_err(|error| told(&error))?;
        done += frame.len() as u64;
        progress(done, offer.bytes);
    }
    if done == offer.bytes { Ok(()) } else { Err("it ended too early".to_owned()) }
}
