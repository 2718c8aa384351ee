//! What a frame of the window costs the processor, without a graphics card: in large files, while somebody types, scrolls
//! and jumps and while others write, beside egui's own text field.

mod load;
mod window;

use std::{process::ExitCode, time::Duration};

use weft_bench_report::Report;
use weft_desktop::measure::{Case, Frames, processor_time, text_edit};

const FRAMES: usize = 300;
/// Each frame of egui's field in a large text takes a tenth of a second.
const FIELD_FRAMES: usize = 20;

/// Text like that of a program, some 40 bytes a line.
fn text(lines: usize) -> String {
    let mut text = String::with_capacity(lines * 42);
    for line in 0..lines {
        match line % 8 {
            0 => text.push_str(&format!("/// Explains what the function number {line} does, and to what.\n")),
            1 => text
                .push_str(&format!("pub fn function_number_{line}(value: u64, others: &[u64]) -> u64 {{\n")),
            2 => text.push_str("    let mut sum = value.wrapping_mul(31).rotate_left(7);\n"),
            3 => text.push_str("    for (index, other) in others.iter().enumerate() {\n"),
            4 => text.push_str(&format!(
                "        sum ^= (index as u64 + other) * {line} + \"text\".len() as u64;\n"
            )),
            5 => text.push_str("    }\n"),
            6 => text.push_str("    sum\n}\n"),
            _ => text.push('\n'),
        }
    }
    text
}

/// The cost below which a share of the frames stay.
fn share(costs: &mut [Duration], share: f64) -> Duration {
    costs.sort_unstable();
    let at = ((costs.len() - 1) as f64 * share).round() as usize;
    costs.get(at).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn tell(report: &mut Report, what: &str, costs: &mut [Duration], bound_millis: f64) {
    report.time(&format!("{what}, half of the frames"), share(costs, 0.5));
    report.at_most(&format!("{what}, 99 of 100, milliseconds"), millis(share(costs, 0.99)), bound_millis);
}

fn measure(report: &mut Report, lines: usize) {
    let text = text(lines);
    report.section(&format!("{lines} lines, {:.1} MB", text.len() as f64 / 1e6));
    let before = processor_time();
    let mut frames = Frames::new(&text);
    report.time("opening, with the syntax tree where there is one", processor_time().saturating_sub(before));
    tell(report, "nothing happens", &mut frames.run(Case::Idle, FRAMES), 2.0);
    tell(report, "typing", &mut frames.run(Case::Typing, FRAMES), 2.0);
    tell(report, "breaking lines", &mut frames.run(Case::Enter, FRAMES), 2.0);
    tell(report, "scrolling three lines", &mut frames.run(Case::Scrolling, FRAMES), 2.0);
    tell(report, "jumping to where nothing is laid out", &mut frames.run(Case::Jump, FRAMES), 5.0);
    let mut costs = frames.run(Case::Peers, FRAMES);
    tell(report, "typing while others make 1,000 edits a second", &mut costs, 16.0);
    report.at_most("the slowest of these, milliseconds", millis(share(&mut costs, 1.0)), 16.0);
    let share = frames.seen_at_once() as f64 / FRAMES as f64;
    report.at_least("of these letters, in the text and drawn in the same frame", share, 1.0);
}

/// A file of 50 MB from the disk to its first page, as the thread beside the window and the window do it.
fn first_page(report: &mut Report) {
    report.section("A file of 50 MB");
    let lines = 50_000_000 / 38;
    let path = std::env::temp_dir().join(format!("weft-bench-ui-{}.txt", std::process::id()));
    if std::fs::write(&path, text(lines)).is_err() {
        return report.text("the file cannot be written", &path.display().to_string());
    }
    let best = (0..5)
        .filter_map(|_| weft_desktop::measure::first_page(&path))
        .min_by_key(|(read, shown)| *read + *shown);
    // What cannot be removed lies in the folder for temporary files.
    let _left = std::fs::remove_file(&path);
    if let Some((read, shown)) = best {
        report.time("reading it, on a thread of its own", read);
        report.time("the frame that shows it", shown);
        report.at_most("both, milliseconds", millis(read + shown), 300.0);
    }
}

fn main() -> ExitCode {
    let mut report = Report::new();
    let part = std::env::args().nth(1);
    let is_wanted = |name| part.as_deref().is_none_or(|part| part == name);
    if is_wanted("frames") {
        frames(&mut report);
    }
    if is_wanted("window")
        && let Err(why) = window::measure(&mut report)
    {
        report.text("The real window was not measured", &why);
    }
    // Only when it is asked for: it needs the engine and the models.
    if part.as_deref() == Some("load")
        && let Err(why) = load::measure(&mut report)
    {
        report.text("Typing under load was not measured", &why);
    }
    report.finish()
}

fn frames(report: &mut Report) {
    for lines in [1_000, 100_000, 1_000_000] {
        measure(report, lines);
    }
    first_page(report);
    report.section("egui's own field, 100,000 lines");
    let mut costs = text_edit(&text(100_000), FIELD_FRAMES);
    report.time("typing, half of the frames", share(&mut costs, 0.5));
}
