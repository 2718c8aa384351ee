//! The same answers from a card as from the processor. Any driver will do: `./dev vulkan` takes one that is a program
//! (Mesa's lavapipe), so no card is needed.
#![cfg(feature = "vulkan")]

use std::{path::Path, sync::mpsc::sync_channel, time::Duration};

use weft_ai::{
    pipe::Load,
    provider::Provider as _,
    request::{Event, Failure, Generate, Priority, Prompt, Usage},
};
use weft_ai_llama::host::{self, Program, Worker};
use weft_test_models::tiny;

/// Such a driver compiles each program of the engine at its first use, for a minute and more.
const LONG: Duration = Duration::from_secs(300);
const PROMPT: &str = "fn main() {\n    let answer = 6 * 7;\n";

fn program() -> Program {
    Program { path: env!("CARGO_BIN_EXE_weft-model-worker").into(), arguments: Vec::new() }
}

fn worker(file: &Path, gpu_layers: u32) -> Worker {
    let load =
        Load { threads: 1, context_tokens: 256, batch_tokens: 64, slots: 1, gpu_layers, ..Load::new(file) };
    Worker::start(&program(), load).expect("a worker")
}

fn ask(worker: &Worker) -> Result<(String, Usage), Failure> {
    let (sender, events) = sync_channel(1000);
    let request =
        Generate { max_tokens: 16, ..Generate::new(Prompt::Raw(PROMPT.to_owned()), Priority::Chat) };
    let _ticket = worker.generate(request, Box::new(move |event| drop(sender.send(event))));
    let mut text = String::new();
    loop {
        match events.recv_timeout(LONG).expect("an event in time") {
            Event::Text(more) => text.push_str(&more),
            Event::Done { usage, .. } => return Ok((text, usage)),
            Event::Failed(failure) => return Err(failure),
            Event::Accepted { .. } | Event::Reading { .. } => {}
        }
    }
}

#[test]
fn a_card_gives_the_answers_of_the_processor() {
    let cards = host::devices(&program()).expect("what there is");
    let [card] = &cards[..] else { panic!("one card was expected: {cards:?}") };
    assert_eq!(card.backend, "Vulkan");
    assert!(card.memory_bytes >= card.memory_free_bytes && card.memory_free_bytes > 0, "{card:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tiny.gguf");
    std::fs::write(&file, tiny::model(42)).expect("a file");
    let processor = worker(&file, 0);
    assert_eq!(processor.info().device, "cpu");
    let on_card = worker(&file, u32::from(u16::MAX));
    assert_eq!(on_card.info().device, card.name, "all layers fit");
    let (text, usage) = ask(&on_card).expect("an answer");
    assert_eq!((text.as_str(), usage.generated_tokens), (ask(&processor).expect("an answer").0.as_str(), 16));
    // What the card keeps of a known prompt is used again.
    let (again, usage) = ask(&on_card).expect("an answer");
    assert_eq!((again, usage.reused_tokens), (text, usage.prompt_tokens - 1));
    // Half on the card, half on the processor.
    let both = worker(&file, 1);
    assert!(both.info().device.ends_with("layers), cpu"), "{}", both.info().device);
    assert_eq!(ask(&both).expect("an answer").0, ask(&processor).expect("an answer").0);
}
