//! How the story is told.

use std::{
    io::IsTerminal,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::story::DemoError;

/// The column in which values begin.
const LABEL_WIDTH: usize = 44;

/// Prints the report.
#[derive(Debug)]
pub(super) struct Report {
    has_color: bool,
    chapter: AtomicU32,
}

impl Report {
    pub(super) fn new() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { has_color: std::io::stdout().is_terminal() && !no_color, chapter: AtomicU32::new(0) }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.has_color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(super) fn title(&self, text: &str) {
        println!("\n{}\n", self.paint("1", text));
    }

    /// Begins a part of the story.
    pub(super) fn chapter(&self, text: &str) {
        let number = self.chapter.fetch_add(1, Ordering::Relaxed) + 1;
        println!("{}", self.paint("1", &format!("{number}. {text}")));
    }

    pub(super) fn line(&self, text: &str) {
        println!("   {text}");
    }

    /// A label with what was measured.
    pub(super) fn value(&self, label: &str, value: &str) {
        let dots = ".".repeat(LABEL_WIDTH.saturating_sub(label.chars().count() + 2));
        println!("   {label} {} {value}", self.paint("2", &dots));
    }

    /// Something that had to hold and does.
    pub(super) fn held(&self, text: &str) {
        println!("   {} {text}", self.paint("32", "✓"));
    }

    /// Several lines of somebody else's output.
    pub(super) fn quote(&self, text: &str) {
        for line in text.lines() {
            println!("   {} {line}", self.paint("2", "│"));
        }
    }

    pub(super) fn gap(&self) {
        println!();
    }

    pub(super) fn failure(&self, error: &DemoError) {
        println!("\n{} {error}", self.paint("31;1", "The demo failed:"));
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            println!("   because {cause}");
            source = cause.source();
        }
    }

    pub(super) fn kept(&self, folder: &Path, is_well: bool) {
        let folder = folder.display();
        println!("\nEverything is still in {folder}");
        if is_well {
            let program = weft_tests::program_path()
                .map_or_else(|_| "weft".to_owned(), |path| path.display().to_string());
            println!("Go on as Ana:");
            println!("  cd {folder}/ana/place/sources");
            println!("  export WEFT_KEY=file WEFT_HOME={folder}/ana/home");
            println!("  {program} status");
            println!("Both nodes have stopped; `{program} node --detach` starts one again.");
        } else {
            println!("The nodes' logs: {folder}/ana/home/node.log and {folder}/ben/home/node.log");
        }
    }
}

/// A number with commas between thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
pub(super) fn bytes(size: u64) -> String {
    let mut value = size as f64;
    for unit in ["B", "kB", "MB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{size} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} GB")
}

pub(super) fn took(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.01 => format!("{:.1} ms", seconds * 1000.0),
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds => format!("{seconds:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(
            (count(7), count(1_234), count(1_234_567)),
            ("7".into(), "1,234".into(), "1,234,567".into())
        );
        assert_eq!(
            (bytes(999), bytes(1_500), bytes(38_200_000)),
            ("999 B".into(), "1.5 kB".into(), "38.2 MB".into())
        );
        assert_eq!(took(Duration::from_micros(2_500)), "2.5 ms");
        assert_eq!(took(Duration::from_millis(120)), "120 ms");
        assert_eq!(took(Duration::from_millis(1_234)), "1.23 s");
    }
}
