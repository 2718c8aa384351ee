//! Progress of long work: a bar on a terminal, lines with `--json`, else nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use weft_node::api::{Progress, ProgressSink, Stage};

use crate::{
    output::Output,
    text::{bytes, count, plain},
};

/// One line of `--json`.
#[derive(Serialize)]
struct Line {
    event: &'static str,
    #[serde(flatten)]
    progress: Progress,
}

/// Shows progress until it is dropped.
pub(crate) struct ProgressView {
    sink: ProgressSink,
    bar: Option<Arc<Bar>>,
}

impl ProgressView {
    pub(crate) fn new(output: &Output) -> Self {
        let output = *output;
        if output.json {
            let sink = ProgressSink::new(move |progress| {
                // A broken output shows itself at the result.
                let _broken = output.json_line(&Line { event: "progress", progress });
            });
            return Self { sink, bar: None };
        }
        if !output.stderr_is_terminal {
            return Self { sink: ProgressSink::none(), bar: None };
        }
        let bar = Arc::new(Bar::default());
        let drawn = Arc::clone(&bar);
        Self { sink: ProgressSink::new(move |progress| drawn.draw(&progress)), bar: Some(bar) }
    }

    pub(crate) fn sink(&self) -> ProgressSink {
        self.sink.clone()
    }
}

impl Drop for ProgressView {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.clear();
        }
    }
}

#[derive(Default)]
struct Bar {
    drawn: Mutex<Option<(Stage, ProgressBar)>>,
}

impl Bar {
    fn draw(&self, progress: &Progress) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = match drawn.as_ref() {
            Some((stage, bar)) if *stage == progress.what => bar.clone(),
            _ => {
                if let Some((_, old)) = drawn.take() {
                    old.finish_and_clear();
                }
                let bar = new_bar();
                *drawn = Some((progress.what, bar.clone()));
                bar
            }
        };
        drop(drawn);
        bar.set_style(style(progress.total.is_some()));
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.done);
        bar.set_prefix(name(progress.what));
        bar.set_message(message(progress));
    }

    fn clear(&self) {
        if let Some((_, bar)) = self.drawn.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn style(has_total: bool) -> ProgressStyle {
    let template =
        if has_total { "{prefix} {bar:30} {percent:>3} %  {msg}" } else { "{spinner} {prefix}  {msg}" };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Scan => "Looking",
        Stage::Import => "Importing",
        Stage::Wait => "Waiting",
        Stage::Receive => "Receiving",
        Stage::Write => "Writing",
        Stage::Send => "Sending",
        Stage::Index => "Reading into the index",
    }
}

fn message(progress: &Progress) -> String {
    let mut parts = Vec::new();
    if progress.done > 0 || progress.total.is_some() {
        parts.push(match progress.total {
            Some(total) => format!("{} of {}", count(progress.done), count(total)),
            None => count(progress.done),
        });
    }
    parts.extend(progress.bytes.map(bytes));
    parts.extend(progress.detail.as_deref().map(plain));
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_what_is_known() {
        let progress = Progress {
            done: 1_500,
            total: Some(2_000),
            bytes: Some(3_000_000),
            detail: Some("from Ana\u{1b}[2J".into()),
            ..Progress::new(Stage::Import)
        };
        assert_eq!(message(&progress), "1,500 of 2,000  3.0 MB  from Ana\\u{1b}[2J");
        assert_eq!(message(&Progress::new(Stage::Wait)), "");
    }

    #[test]
    fn both_templates_are_valid() {
        assert!(ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} %  {msg}").is_ok());
        assert!(ProgressStyle::with_template("{spinner} {prefix}  {msg}").is_ok());
    }

    #[test]
    fn a_json_line_has_flat_fields() {
        let line = Line { event: "progress", progress: Progress::new(Stage::Write) };
        let line = serde_json::to_string(&line).expect("JSON");
        assert_eq!(line, r#"{"event":"progress","what":"write","done":0}"#);
    }
}
