//! The collection of models, as it is asked for.

use std::{path::Path, sync::Arc};

use weft_ai::gguf::GgufSummary;

use super::super::Shared;
use super::providers;
use crate::{
    api::{
        AiDevice, AiHardwareReport, AiModel, AiModelChoose, AiModelDownload, AiModelImport, AiModelList,
        AiModelRemove, AiModelRemoved, AiModelVerified, AiModelVerify, AiModelsVerified, ApiError, ErrorKind,
        Progress, ProgressSink, Purpose, Stage,
    },
    models::{self, Hardware, ModelRecord, ModelsError, fit},
};

/// What is told of a failure.
pub(super) fn error(error: ModelsError) -> ApiError {
    let kind = match &error {
        ModelsError::NotFound(_) => ErrorKind::NotFound,
        ModelsError::NotAModel(_) | ModelsError::Taken(_) | ModelsError::BadName(_) => ErrorKind::Usage,
        ModelsError::Download(_) => ErrorKind::Unreachable,
        _ => ErrorKind::Failed,
    };
    let hint = match &error {
        ModelsError::NotFound(_) => "`weft ai models` lists what there is",
        ModelsError::NotAModel(_) => {
            "models are files in the GGUF format; a broken download is fetched again"
        }
        ModelsError::Changed(_) => "`weft ai models verify` checks it, `weft ai models remove` deletes it",
        ModelsError::Download(_) => "the same command goes on where it broke off",
        ModelsError::NoRoom { .. } => {
            "free some space: `weft ai models remove` deletes a model that is not needed"
        }
        ModelsError::WrongChecksum { .. } => "it was deleted; ask whoever gave you the address",
        ModelsError::Taken(_) | ModelsError::BadName(_) => "choose another name with --name",
        _ => "check the disk and its rights",
    };
    ApiError::new(kind, error.to_string()).hint(hint).data_state("the other models are as they were")
}

pub(super) fn shown(shared: &Shared, record: ModelRecord, hardware: &Hardware) -> AiModel {
    let (summary, trouble) = match shared.ai.folder.summary(&record) {
        Ok(summary) => (summary, None),
        Err(error) => (GgufSummary::default(), Some(error.to_string())),
    };
    let fit = fit(&summary, record.bytes, hardware);
    let state = shared.state();
    let name = |ws: &String| {
        let known = state.registry.all().find(|known| known.id.to_string() == *ws);
        known.map(|known| known.name.clone())
    };
    // Of a workspace that was left nothing is said: nobody there can ask.
    let shared_in = record.shared_in.iter().filter_map(name).collect();
    drop(state);
    AiModel {
        is_loaded: shared.ai.is_loaded(&record),
        roles: if trouble.is_none() { models::roles(&summary) } else { Vec::new() },
        fits: fit.fits && trouble.is_none(),
        why: trouble.unwrap_or(fit.why),
        context_tokens: summary.context_tokens,
        parameters: summary.parameters,
        license: summary.license,
        name: summary.name,
        id: record.id,
        chosen_for: record.chosen_for,
        shared_in,
        bytes: record.bytes,
        sha256: record.sha256,
        source: record.source,
    }
}

/// Runs what reads and writes files on a thread that may wait.
pub(super) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::failed(format!("the work ended: {error}")))
}

pub(in crate::node) async fn list(shared: &Arc<Shared>) -> Result<AiModelList, ApiError> {
    let shared = Arc::clone(shared);
    waiting(move || {
        let hardware = Hardware::look();
        let records = shared.ai.folder.list().into_iter();
        AiModelList { models: records.map(|record| shown(&shared, record, &hardware)).collect() }
    })
    .await
}

pub(in crate::node) async fn import(
    shared: &Arc<Shared>,
    request: AiModelImport,
    progress: &ProgressSink,
) -> Result<AiModel, ApiError> {
    let (shared, progress) = (Arc::clone(shared), progress.clone());
    waiting(move || {
        let file = Path::new(&request.file);
        let imported =
            shared.ai.folder.import(file, request.id.as_deref(), &bytes_of(&progress, Stage::Import));
        imported.map(|record| shown(&shared, record, &Hardware::look())).map_err(error)
    })
    .await?
}

pub(in crate::node) async fn download(
    shared: &Arc<Shared>,
    request: AiModelDownload,
    progress: &ProgressSink,
) -> Result<AiModel, ApiError> {
    let report = bytes_of(progress, Stage::Receive);
    let folder = shared.ai.folder.clone();
    let record =
        models::download(&folder, &request.url, request.sha256.as_deref(), request.id.as_deref(), &report)
            .await;
    let record = record.map_err(error)?;
    let shared = Arc::clone(shared);
    waiting(move || shown(&shared, record, &Hardware::look())).await
}

pub(in crate::node) async fn verify(
    shared: &Arc<Shared>,
    request: AiModelVerify,
    progress: &ProgressSink,
) -> Result<AiModelsVerified, ApiError> {
    let (shared, progress) = (Arc::clone(shared), progress.clone());
    waiting(move || {
        let folder = &shared.ai.folder;
        let records = match &request.id {
            Some(id) => vec![folder.find(id).map_err(error)?],
            None => folder.list(),
        };
        let report = bytes_of(&progress, Stage::Scan);
        let verified = records.into_iter().map(|record| {
            let finding = folder.verify(&record, &report);
            AiModelVerified { id: record.id, ok: finding.is_none(), finding }
        });
        Ok(AiModelsVerified { models: verified.collect() })
    })
    .await?
}

pub(in crate::node) async fn remove(
    shared: &Arc<Shared>,
    request: AiModelRemove,
) -> Result<AiModelRemoved, ApiError> {
    let shared = Arc::clone(shared);
    waiting(move || {
        let record = shared.ai.folder.find(&request.id).map_err(error)?;
        // Its process has the file open.
        shared.ai.forget(&record);
        let record = shared.ai.folder.remove(&request.id).map_err(error)?;
        Ok(AiModelRemoved { id: record.id, bytes: record.bytes })
    })
    .await?
}

pub(in crate::node) async fn choose(
    shared: &Arc<Shared>,
    request: AiModelChoose,
) -> Result<AiModelList, ApiError> {
    let of_task = Arc::clone(shared);
    let is_server = matches!(shared.ai.folder.find(&request.id), Err(ModelsError::NotFound(_)))
        && providers::find(shared, &request.id).is_ok();
    if is_server {
        if request.role == Purpose::Embedding {
            return Err(ApiError::usage("embeddings are made by models on this device only")
                .hint("`weft ai models` lists what there is"));
        }
        providers::choose(shared, Some(&request.id), request.role)?;
        return list(shared).await;
    }
    providers::choose(shared, None, request.role)?;
    waiting(move || {
        let folder = &of_task.ai.folder;
        let record = folder.find(&request.id).map_err(error)?;
        let summary = folder.summary(&record).map_err(error)?;
        if !models::roles(&summary).contains(&request.role) {
            return Err(ApiError::usage(format!("the model {} cannot do that", record.id))
                .hint("`weft ai models` lists what each is for"));
        }
        folder.choose(&request.id, request.role).map_err(error)
    })
    .await??;
    list(shared).await
}

pub(in crate::node) async fn hardware(shared: &Arc<Shared>) -> Result<AiHardwareReport, ApiError> {
    let models = list(shared).await?.models;
    let (devices, trouble) = cards(shared).await?;
    let hardware = Hardware::look();
    Ok(AiHardwareReport {
        cores: hardware.cores,
        threads: hardware.threads(),
        memory_bytes: hardware.memory_bytes,
        memory_free_bytes: hardware.memory_free_bytes,
        backends: weft_ai_llama::BACKENDS.iter().map(|name| (*name).to_owned()).collect(),
        advice: match &trouble {
            Some(trouble) => format!("{} {trouble}", advice(&hardware)),
            None => advice(&hardware),
        },
        devices,
        models,
    })
}

/// The cards of this device, or why they are not known.
async fn cards(shared: &Arc<Shared>) -> Result<(Vec<AiDevice>, Option<String>), ApiError> {
    // A build for the processor alone needs no process to look.
    let Some(program) = shared.ai.program.clone().filter(|_| weft_ai_llama::BACKENDS.len() > 1) else {
        return Ok((Vec::new(), None));
    };
    let found = waiting(move || weft_ai_llama::host::devices(&program)).await?;
    Ok(match found {
        Ok(devices) => {
            let devices = devices.into_iter().map(|device| AiDevice {
                name: device.name,
                backend: device.backend,
                memory_bytes: device.memory_bytes,
                memory_free_bytes: device.memory_free_bytes,
            });
            (devices.collect(), None)
        }
        Err(failure) => (Vec::new(), Some(format!("No card is used: {}.", failure.message))),
    })
}

/// How large a model may be, from the memory that is free.
fn advice(hardware: &Hardware) -> String {
    let Some(free) = hardware.memory_free_bytes else {
        return "This system does not say how much memory is free.".to_owned();
    };
    // A parameter in four and a half bits, the context, and what stays free.
    let billions = (free as f64 / 1e9 - 1.5).max(0.0) / 0.65;
    format!(
        "Models with up to about {billions:.0} billion parameters in 4 bits (Q4_K_M) fit now; on a processor those \
         with up to 3 billion answer quickly."
    )
}

pub(super) fn bytes_of(progress: &ProgressSink, stage: Stage) -> impl Fn(u64, u64) + Sync + use<> {
    let progress = progress.clone();
    move |done, total| {
        progress.report(Progress { done, total: Some(total), bytes: Some(done), ..Progress::new(stage) });
    }
}
