//! How long the core takes for what a person does in large texts. Printed, not asserted:
//! `cargo test -p weft-editor --test timing -- --nocapture`.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place")]
#![allow(clippy::print_stdout, reason = "its output is what this is for")]

use std::time::{Duration, Instant};

use weft_crdt::{CharIndex, LineIndex, Patch};
use weft_editor::{
    Document, EditSettings, EditorCommand, Language, Motion, Rows, Scroll, Selection, Selections, ViewId,
};

const LINE: &str = "    let value = compute(index, 17) + \"x\";\n";

fn open(lines: usize) -> (Document, ViewId) {
    let text = LINE.repeat(lines);
    let start = Instant::now();
    let mut document = Document::new(&text, 0);
    document.set_language(Language::by_id("rust").unwrap());
    let view = document.add_view();
    println!("{lines} lines, {} MB: open {:.1} ms", text.len() / 1_000_000, millis(start.elapsed()));
    (document, view)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Does something many times and prints the median, the 99th percentile and the longest time.
fn measure(what: &str, count: usize, mut step: impl FnMut(usize)) {
    let mut times: Vec<f64> = (0..count)
        .map(|index| {
            let start = Instant::now();
            step(index);
            millis(start.elapsed())
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("  {what:<44} median {:>8.4}  p99 {:>8.4}  most {:>8.4} ms", at(0.5), at(0.99), at(1.0));
}

fn caret(document: &mut Document, view: ViewId, at: usize) {
    document.select(view, &Selections::single(Selection::caret(at)));
}

/// What is sent is taken at once.
fn send(document: &mut Document, revision: &mut u64) {
    if document.outgoing().is_some() {
        *revision += 1;
        document.acknowledged(*revision);
    }
}

fn screen(document: &Document, view: ViewId) -> usize {
    let rope = document.buffer().rope();
    let shown = document.view(view).unwrap();
    let rows = shown.rows();
    let top = rows.point(rope, shown.scroll().at).row;
    let visible = rows.visible(rope, top, 60);
    let (first, last) = (visible.first().unwrap(), visible.last().unwrap());
    document.highlights(first.start..last.end).len()
}

fn measure_text(lines: usize) {
    let (mut document, view) = open(lines);
    let length = document.buffer().len_chars();
    let mut revision = 0;
    caret(&mut document, view, length / 2 + 20);
    measure("a letter, sent", 2_000, |_| {
        document.type_text(view, "a");
        send(&mut document, &mut revision);
    });
    measure("Enter", 500, |_| drop(document.run(view, EditorCommand::NewLine)));
    measure("a letter while another person types above", 2_000, |index| {
        send(&mut document, &mut revision);
        revision += 1;
        let patch = Patch { at: CharIndex(index % 100), delete: 0, insert: "r".to_owned() };
        document.changed(revision, &[patch]).unwrap();
        document.type_text(view, "b");
    });
    measure("undo", 20, |_| assert!(document.undo(view)));
    measure("down", 500, |_| drop(document.run(view, EditorCommand::Move(Motion::Down))));
    measure("60 rows with colours by line after a jump", 200, |index| {
        let line = index * 7_919 % document.buffer().len_lines();
        let at = document.buffer().line_start(LineIndex(line));
        document.view_mut(view).unwrap().set_scroll(Scroll { at, rows: 0.0 });
        screen(&document, view);
    });
    document.set_wrap(view, Some(30));
    let start = Instant::now();
    while document.measure_rows(view, 10_000) {}
    println!("  all lines measured for wrapping              {:.1} ms", millis(start.elapsed()));
    measure("a letter, every line wrapped", 2_000, |_| document.type_text(view, "c"));
    document.set_wrap(view, None);
    for cursors in [10, 1_000] {
        let all = (0..cursors).map(|index| Selection::caret(index * 200)).collect();
        document.select(view, &Selections::new(all, 0));
        measure(&format!("a letter at {cursors} cursors"), 50, |_| document.type_text(view, "d"));
    }
}

#[test]
fn large_texts() {
    measure_text(100_000);
    measure_text(1_000_000);
}

#[test]
fn one_long_line() {
    let text = "word ".repeat(200_000);
    let mut document = Document::new(&text, 0);
    let view = document.add_view();
    println!("one line of 1 MB");
    caret(&mut document, view, 500_000);
    measure("a letter", 500, |_| document.type_text(view, "a"));
    measure("60 rows", 100, |_| {
        screen(&document, view);
    });
    document.set_wrap(view, Some(100));
    measure("a letter, wrapped", 500, |_| document.type_text(view, "a"));
    measure("up", 100, |_| drop(document.run(view, EditorCommand::Move(Motion::Up))));
    measure("end of the row", 100, |_| drop(document.run(view, EditorCommand::Move(Motion::LineEnd))));
}

#[test]
fn syntax_trees() {
    let (mut document, view) = open(100_000);
    document.set_settings(EditSettings::default());
    let start = Instant::now();
    let job = document.parse_job().unwrap();
    document.parsed(job.run(&mut || false).unwrap());
    println!("  first tree                                   {:.1} ms", millis(start.elapsed()));
    caret(&mut document, view, 1_000_000);
    measure("a letter with a tree", 500, |_| document.type_text(view, "a"));
    measure("60 rows with colours by the tree after a jump", 200, |index| {
        let line = index * 7_919 % document.buffer().len_lines();
        let at = document.buffer().line_start(LineIndex(line));
        document.view_mut(view).unwrap().set_scroll(Scroll { at, rows: 0.0 });
        screen(&document, view);
    });
    measure("tree mended after a letter, on its thread", 5, |_| {
        document.type_text(view, "a");
        let job = document.parse_job().unwrap();
        document.parsed(job.run(&mut || false).unwrap());
    });
}

#[test]
fn rows_of_a_large_text_at_once() {
    let rope = ropey::Rope::from_str(&LINE.repeat(1_000_000));
    measure("first rows of a million lines", 5, |_| drop(Rows::new(&rope, Some(30), 4)));
}
