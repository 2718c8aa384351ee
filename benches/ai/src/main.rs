//! What a model costs through the worker, beside the bare bindings in the same run: the same file, threads and flags.
//!
//! Both sides are counted in tokens for each second that a processor spent on them, so that other work on the machine
//! changes them little; rounds of the two take turns, and the best of each counts.

mod bare;
mod meaning;
mod processor;
mod worker;

use std::{path::PathBuf, process::ExitCode};

use weft_bench_report::Report;
use weft_test_models::real;

/// Rounds of each side.
const ROUNDS: usize = 5;
/// Tokens of a step, for both sides.
pub(crate) const BATCH_TOKENS: u32 = 128;
/// Tokens of the context, for both sides.
pub(crate) const CONTEXT_TOKENS: u32 = 2048;
/// Tokens that are generated in a round.
pub(crate) const GENERATED: u32 = 48;

/// Functions that are looked for by their documentation.
const FUNCTIONS: usize = 3_000;

/// Tokens for each second of the processor.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rates {
    pub(crate) prompt: f64,
    pub(crate) generate: f64,
}

impl Rates {
    fn best(self, other: Self) -> Self {
        Self { prompt: self.prompt.max(other.prompt), generate: self.generate.max(other.generate) }
    }
}

/// A prompt of about 300 tokens that begins as no other does.
pub(crate) fn prompt(number: usize) -> String {
    let body = "The committee met again on Tuesday to consider the report about the harbour, its cranes and its costs. ";
    format!("{number}{number} is a number. {}", body.repeat(14))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "worker") {
        return weft_ai_llama::worker::run();
    }
    if arguments.first().is_some_and(|argument| argument == "meaning") {
        let count = arguments.get(1).and_then(|count| count.parse().ok()).unwrap_or(FUNCTIONS);
        let Some(path) = real::MINILM.or_skip("bench meaning") else { return ExitCode::FAILURE };
        return told(meaning::run(&path, count));
    }
    let Some(path) = arguments.first().map(PathBuf::from).or_else(|| real::GEMMA.or_skip("bench ai")) else {
        return ExitCode::FAILURE;
    };
    told(run(&path))
}

fn told(result: Result<Report, String>) -> ExitCode {
    match result {
        Ok(report) => report.finish(),
        Err(error) => {
            let mut report = Report::new();
            report.text("failed", &error);
            ExitCode::FAILURE
        }
    }
}

fn run(path: &std::path::Path) -> Result<Report, String> {
    let mut report = Report::new();
    report.section(&format!("{} on one thread", path.file_name().unwrap_or_default().to_string_lossy()));
    let worker = worker::Running::start(path)?;
    let mut bare = bare::Bare::load(path)?;
    let (mut ours, mut bound) = (Rates::default(), Rates::default());
    for round in 0..ROUNDS {
        bound = bound.best(bare.round(round * 2)?);
        ours = ours.best(worker.round(round * 2 + 1)?);
    }
    let per_second = |rate: f64| format!("{rate:.1} tokens/s");
    report.text("bare loop: prompt", &per_second(bound.prompt));
    report.text("bare loop: generating", &per_second(bound.generate));
    report.text("worker: prompt", &per_second(ours.prompt));
    report.text("worker: generating", &per_second(ours.generate));
    report.at_least("prompt, worker to bare loop", ours.prompt / bound.prompt, 0.97);
    report.at_least("generating, worker to bare loop", ours.generate / bound.generate, 0.97);
    report.section("four requests at a time");
    let (mut one, mut four) = (0.0_f64, 0.0_f64);
    for round in 0..ROUNDS {
        one = one.max(worker.together(1, 100 + round)?);
        four = four.max(worker.together(4, 200 + round)?);
    }
    report.text("one", &per_second(one));
    report.text("four together", &per_second(four));
    report.at_least("four to one", four / one, 1.5);
    report.section("what is not computed");
    let again = worker.again()?;
    report.text("tokens of a prompt", &again.prompt_tokens.to_string());
    report.text("computed the second time, with one token of answer", &again.decoded_tokens.to_string());
    report.at_most("tokens computed of a prompt that is known", f64::from(again.decoded_tokens), 1.0);
    let steps = worker.cancelled()?;
    report.at_most("steps after a request was cancelled", steps, 1.0);
    Ok(report)
}
