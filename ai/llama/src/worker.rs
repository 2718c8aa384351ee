//! What runs in the child: loads one model and answers until the other end of the pipe closes.

mod chooser;
mod embedder;
mod engine;
mod inbox;
mod model;

use std::{io::Write, process::ExitCode};

use llama_cpp_2::{
    LlamaBackendDevice, LlamaBackendDeviceType, list_llama_ggml_backend_devices, llama_backend::LlamaBackend,
};
use weft_ai::{
    pipe::{Device, FromWorker, Load, ToWorker, write_message},
    request::{Failure, FailureKind},
};

use self::{embedder::Embedder, engine::Engine, inbox::Inbox, model::Model};

/// How far a process that somebody waits for goes behind the person's other programs: what is typed is drawn first.
const NICE_ANSWERING: i32 = 5;
/// The same for one that reads for the index, which has hours of work.
const NICE_EMBEDDING: i32 = 10;

/// Where answers go. When nobody reads them any more the worker ends.
struct Outbox<W>(W);

impl<W: Write> Outbox<W> {
    fn send(&mut self, message: &FromWorker) -> Result<(), Closed> {
        write_message(&mut self.0, message).map_err(|_| Closed)
    }
}

/// The node is gone.
#[derive(Debug)]
struct Closed;

/// Runs a worker on the standard streams until they close.
#[must_use]
pub fn run() -> ExitCode {
    be_modest();
    let (inbox, mut outbox) = (Inbox::start(), Outbox(std::io::BufWriter::new(std::io::stdout())));
    let served = match inbox.wait() {
        Some(ToWorker::Load(load)) => serve(&load, &inbox, &mut outbox),
        Some(ToWorker::Look) => look(&mut outbox),
        _ => return ExitCode::FAILURE,
    };
    match served {
        // The node has closed the pipe: that is how it ends a worker.
        Ok(()) | Err(Stop::Closed) => ExitCode::SUCCESS,
        Err(Stop::Failed(failure)) => {
            let _gone = outbox.send(&FromWorker::LoadFailed(failure));
            ExitCode::FAILURE
        }
    }
}

enum Stop {
    Closed,
    Failed(Failure),
}

impl From<Closed> for Stop {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn serve<W: Write>(load: &Load, inbox: &Inbox, outbox: &mut Outbox<W>) -> Result<(), Stop> {
    let backend = start_engine()?;
    let model = Model::load(&backend, load)?;
    if model.is_embedding() {
        let_others_go_first(NICE_EMBEDDING);
        let mut embedder = Embedder::new(&backend, &model, load)?;
        outbox.send(&FromWorker::Loaded(embedder.info()))?;
        return Ok(embedder.run(inbox, outbox)?);
    }
    let_others_go_first(NICE_ANSWERING);
    let mut engine = Engine::new(&backend, &model, load)?;
    outbox.send(&FromWorker::Loaded(engine.info()))?;
    Ok(engine.run(inbox, outbox)?)
}

fn start_engine() -> Result<LlamaBackend, Failure> {
    check_processor()?;
    LlamaBackend::init().map_err(|error| {
        Failure::new(FailureKind::Other, format!("the engine for models cannot be started: {error}"))
    })
}

fn look<W: Write>(outbox: &mut Outbox<W>) -> Result<(), Stop> {
    let _engine = start_engine()?;
    Ok(outbox.send(&FromWorker::Devices(devices()))?)
}

/// What there is to compute on besides the processor.
fn devices() -> Vec<Device> {
    let all = list_llama_ggml_backend_devices();
    // The engine takes one inside of the processor only where there is no other.
    let of = |wanted| move |device: &&LlamaBackendDevice| device.device_type == wanted;
    let mut cards: Vec<&LlamaBackendDevice> = all.iter().filter(of(LlamaBackendDeviceType::Gpu)).collect();
    if cards.is_empty() {
        cards = all.iter().filter(of(LlamaBackendDeviceType::IntegratedGpu)).collect();
    }
    cards
        .into_iter()
        .map(|device| Device {
            name: device.description.clone(),
            backend: device.backend.clone(),
            memory_bytes: device.memory_total as u64,
            memory_free_bytes: device.memory_free as u64,
        })
        .collect()
}

/// When memory runs out this process goes before the person's others; when it crashes, no copy of prompts is left on the disk.
fn be_modest() {
    #[cfg(target_os = "linux")]
    {
        // Both are wishes: without them everything works.
        let _unheard = std::fs::write("/proc/self/oom_score_adj", "900");
        let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        let _unheard = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    }
}

/// The person's programs go first. Threads that are begun later do the same.
fn let_others_go_first(by: i32) {
    #[cfg(unix)]
    {
        // Where it is refused, computing is only less polite.
        let _refused = rustix::process::nice(by);
    }
    #[cfg(not(unix))]
    let _unused = by;
}

/// The engine is compiled for instructions that very old processors lack, and would end at the first of them.
fn check_processor() -> Result<(), Failure> {
    #[cfg(target_arch = "x86_64")]
    {
        let has = std::is_x86_feature_detected!("avx2")
            && std::is_x86_feature_detected!("fma")
            && std::is_x86_feature_detected!("f16c")
            && std::is_x86_feature_detected!("bmi2");
        if !has {
            return Err(Failure::new(
                FailureKind::Unable,
                "this processor lacks AVX2, which models are computed with here",
            )
            .hint("use a model on another device"));
        }
    }
    Ok(())
}
