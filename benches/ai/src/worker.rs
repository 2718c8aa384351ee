//! The worker, as the node asks it.

use std::{
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
};

use weft_ai::{
    pipe::Load,
    provider::{Cancel, Provider as _},
    request::{Event, Generate, Priority, Prompt, Usage},
};
use weft_ai_llama::host::{Program, Worker};

use crate::{BATCH_TOKENS, CONTEXT_TOKENS, GENERATED, Rates, processor, prompt};

/// More than any answer here has.
const EVENTS_MAX: usize = 10_000;

/// A worker with its model loaded.
pub(crate) struct Running {
    worker: Worker,
    process: String,
}

fn raw(text: String, max_tokens: u32) -> Generate {
    Generate { max_tokens, ..Generate::new(Prompt::Raw(text), Priority::Chat) }
}

/// Waits for the end.
fn end(events: &Receiver<Event>) -> Result<Usage, String> {
    loop {
        match events.recv().map_err(|error| error.to_string())? {
            Event::Done { usage, .. } => return Ok(usage),
            Event::Failed(failure) => return Err(failure.to_string()),
            _ => {}
        }
    }
}

impl Running {
    pub(crate) fn start(path: &Path) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let program = Program { path: program, arguments: vec!["worker".into()] };
        let path = path.canonicalize().map_err(|error| error.to_string())?;
        let load = Load {
            threads: 1,
            context_tokens: CONTEXT_TOKENS,
            batch_tokens: BATCH_TOKENS,
            slots: 4,
            ..Load::new(path)
        };
        let worker = Worker::start(&program, load).map_err(|failure| failure.to_string())?;
        let process = worker.pid().to_string();
        Ok(Self { worker, process })
    }

    fn ask(&self, request: Generate) -> (Box<dyn Cancel>, Receiver<Event>) {
        let (sender, receiver) = sync_channel(EVENTS_MAX);
        // A receiver that is gone wants no more.
        let ticket = self.worker.generate(request, Box::new(move |event| drop(sender.send(event))));
        (ticket, receiver)
    }

    /// A prompt nobody has asked before, and then an answer to it.
    pub(crate) fn round(&self, number: usize) -> Result<Rates, String> {
        let begin = processor::seconds(&self.process);
        let read = end(&self.ask(raw(prompt(number), 1)).1)?;
        let middle = processor::seconds(&self.process);
        // The last token of the prompt is computed once more, as the first of these.
        let made = end(&self.ask(raw(prompt(number), GENERATED)).1)?;
        let end = processor::seconds(&self.process);
        Ok(Rates {
            prompt: f64::from(read.decoded_tokens) / (middle - begin),
            generate: f64::from(made.decoded_tokens) / (end - middle),
        })
    }

    /// Generated tokens for each second of the processor with so many requests at a time, their prompts known.
    pub(crate) fn together(&self, count: usize, number: usize) -> Result<f64, String> {
        let text = |index: usize| format!("{index}{} is where it began, and", number * 10 + index);
        for index in 0..count {
            end(&self.ask(raw(text(index), 1)).1)?;
        }
        let begin = processor::seconds(&self.process);
        let asked: Vec<_> = (0..count).map(|index| self.ask(raw(text(index), GENERATED))).collect();
        let mut made = 0.0;
        for (_, events) in &asked {
            made += f64::from(end(events)?.generated_tokens);
        }
        Ok(made / (processor::seconds(&self.process) - begin))
    }

    /// The same prompt twice: what the second one took.
    pub(crate) fn again(&self) -> Result<Usage, String> {
        end(&self.ask(raw(prompt(9000), 1)).1)?;
        end(&self.ask(raw(prompt(9000), 1)).1)
    }

    /// The steps that were computed after a request was cancelled in the middle of its prompt.
    pub(crate) fn cancelled(&self) -> Result<f64, String> {
        let (ticket, events) = self.ask(raw(prompt(9001).repeat(3), 100));
        let seen = loop {
            match events.recv().map_err(|error| error.to_string())? {
                Event::Reading { done, .. } => break done,
                Event::Done { .. } | Event::Failed(_) => return Err("it was over too soon".to_owned()),
                _ => {}
            }
        };
        ticket.cancel();
        let usage = end(&events)?;
        Ok(f64::from(usage.decoded_tokens + usage.reused_tokens - seen) / f64::from(BATCH_TOKENS))
    }
}
