//! What was found.

use std::fmt::Write as _;

use weft_node::api::{IndexReport, IndexState, SearchHit, SearchHits};

use super::{Look, Tone, count, plain, units::counted, verbatim};

pub(crate) fn found(found: &SearchHits, look: &Look) -> String {
    if found.hits.is_empty() {
        return "Nothing was found.\n".to_owned();
    }
    let mut text = String::new();
    let mut last = None;
    for hit in &found.hits {
        // A file that was found by its name is its path.
        if hit.text == hit.path {
            let _ = writeln!(text, "{}", line(hit, look));
            continue;
        }
        if look.is_terminal {
            if last != Some(&hit.path) {
                let gap = if last.is_some() { "\n" } else { "" };
                let _ = writeln!(text, "{gap}{}", look.paint(Tone::Heading, plain(&hit.path)));
            }
            let _ = writeln!(
                text,
                "{}  {}",
                look.paint(Tone::Faint, format!("{:>6}", hit.line)),
                line(hit, look)
            );
        } else {
            // One line each, as other tools give and take them.
            let _ = writeln!(text, "{}:{}:{}:{}", plain(&hit.path), hit.line, hit.column, line(hit, look));
        }
        last = Some(&hit.path);
    }
    if found.has_more && look.is_terminal {
        let _ =
            writeln!(text, "\nThere are more than these {}; -n shows more.", count(found.hits.len() as u64));
    }
    text
}

/// The line of a hit, with what matches in another tone.
fn line(hit: &SearchHit, look: &Look) -> String {
    let chars: Vec<char> = hit.text.chars().collect();
    let part = |from: usize, to: usize| {
        let part: String = chars.get(from..to.min(chars.len())).unwrap_or_default().iter().collect();
        verbatim(&part).replace('\n', "\\n")
    };
    let mut shown = String::new();
    let mut done = 0;
    for (from, to) in &hit.ranges {
        let range = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).clamp(done, chars.len().max(done));
        let (from, to) = (range(*from), range(*to));
        shown.push_str(&part(done, from));
        shown.push_str(&look.paint(Tone::Bad, part(from, to)));
        done = to;
    }
    shown.push_str(&part(done, chars.len()));
    shown
}

pub(crate) fn index(report: &IndexReport, look: &Look) -> String {
    let state = match report.state {
        IndexState::Ready => look.paint(Tone::Good, "ready".to_owned()),
        IndexState::Building => {
            look.paint(Tone::Heading, format!("being built: {} to read", counted(report.unread, "file")))
        }
    };
    let share = match report.text_bytes {
        0 => String::new(),
        text => format!(", {:.0} % of the text", report.bytes as f64 * 100.0 / text as f64),
    };
    format!(
        "Index: {state}\n  {} with {} of text\n  {}\n  {}{share}\n",
        counted(report.files, "file"),
        counted(report.lines, "line"),
        counted(report.symbols, "definition"),
        super::units::bytes(report.bytes),
    )
}
