//! What was found.

use std::fmt::Write as _;

use weft_documents::DocumentKind;
use weft_node::api::{
    IndexReport, IndexState, LeftOut, ReplaceApplied, ReplacePreviewed, SearchHit, SearchHits,
};

use super::{Look, Tone, count, plain, units::counted, verbatim};

pub(crate) fn found(found: &SearchHits, look: &Look) -> String {
    let note = found.note.as_deref().map(|note| format!("{}\n", plain(note))).unwrap_or_default();
    if found.hits.is_empty() {
        return format!("Nothing was found.\n{note}");
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
            // Of a text that was looked for as it stands, the line says by itself why it is there.
            let why = if matches!(hit.why.as_str(), "text" | "regex") {
                String::new()
            } else {
                look.paint(Tone::Faint, format!("   {}", plain(&hit.why)))
            };
            let (at, under) = place(hit);
            let number = look.paint(Tone::Faint, at);
            let under = under.map(|under| look.paint(Tone::Faint, format!("   {under}"))).unwrap_or_default();
            let _ = writeln!(text, "{number}  {}{why}{under}", line(hit, look));
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
    // Other programs read the places.
    if look.is_terminal { format!("{text}\n{note}").trim_end().to_owned() + "\n" } else { text }
}

/// Where a hit stands, and the heading that it stands under. Nobody counts the lines of a document that is no text file.
fn place(hit: &SearchHit) -> (String, Option<String>) {
    let number = format!("{:>6}", hit.line);
    match &hit.place {
        Some(place) if DocumentKind::of_path(&hit.path).is_some() => (format!("{:>6}", plain(place)), None),
        Some(place) if !hit.text.contains(place.as_str()) => {
            (number, Some(format!("under {}", plain(place))))
        }
        _ => (number, None),
    }
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

/// What replacing would change: the lines of each file before and after.
pub(crate) fn to_replace(shown: &ReplacePreviewed, look: &Look) -> String {
    let mut text = String::new();
    for file in &shown.files {
        let places = counted(file.matches, "place");
        let _ = writeln!(text, "{}  {places}", look.paint(Tone::Heading, plain(&file.path)));
        for line in &file.lines {
            let number = look.paint(Tone::Faint, format!("{:>6}", line.line));
            let _ =
                writeln!(text, "{number} {}", look.paint(Tone::Bad, format!("- {}", verbatim(&line.old))));
            for new in line.new.split('\n') {
                let new = look.paint(Tone::Good, format!("+ {}", verbatim(new)));
                let _ = writeln!(text, "{:6} {new}", "");
            }
        }
        if file.has_more {
            text.push_str("       and more lines\n");
        }
    }
    if shown.files.is_empty() {
        text.push_str("Nothing was found.\n");
    }
    if shown.has_more {
        text.push_str("There are more files than these: replace again after this.\n");
    }
    text.push_str(&left_out(&shown.left_out, look));
    if !shown.files.is_empty() && !look.is_terminal {
        text.push_str("Nothing was changed; --yes changes it.\n");
    }
    text
}

pub(crate) fn replace_question(places: u64, files: u64) -> String {
    format!("Change {} in {}?", counted(places, "place"), counted(files, "file"))
}

pub(crate) fn replaced(applied: &ReplaceApplied, look: &Look) -> String {
    let places = applied.changed.iter().map(|file| file.matches).sum();
    let files = counted(applied.changed.len() as u64, "file");
    format!("Changed {} in {files}.\n{}", counted(places, "place"), left_out(&applied.left_out, look))
}

fn left_out(files: &[LeftOut], look: &Look) -> String {
    let line = |file: &LeftOut| {
        format!("{} was left alone: {}\n", look.paint(Tone::Bad, plain(&file.path)), plain(&file.why))
    };
    files.iter().map(line).collect()
}

/// From so much text on the size of the index is told as a share of it.
const SHARE_BYTES_MIN: u64 = 1_000_000;

pub(crate) fn index(report: &IndexReport, look: &Look) -> String {
    let state = match report.state {
        IndexState::Ready => look.paint(Tone::Good, "ready".to_owned()),
        IndexState::Building => {
            look.paint(Tone::Heading, format!("being built: {} to read", counted(report.unread, "file")))
        }
    };
    let share = match report.text_bytes {
        // An empty database has pages too.
        text if text < SHARE_BYTES_MIN => String::new(),
        text => format!(", {:.0} % of the text", report.bytes as f64 * 100.0 / text as f64),
    };
    let read = match report.vectors {
        0 => String::new(),
        read => format!(", {} read by the model", count(read)),
    };
    let documents = match report.documents {
        0 => String::new(),
        read => format!(", the text of {} among them", counted(read, "document")),
    };
    let mut text = format!(
        "Index: {state}\n  {} with {} of text{documents}\n  {}\n  {}{read}\n  {}{share}\n",
        counted(report.files, "file"),
        counted(report.lines, "line"),
        counted(report.symbols, "definition"),
        counted(report.chunks, "part"),
        super::units::bytes(report.bytes),
    );
    if report.left_out_count > 0 {
        let _ = writeln!(text, "\nNot found by all they say:");
        text.extend(
            report.left_out.iter().map(|file| format!("  {}: {}\n", plain(&file.path), plain(&file.why))),
        );
        let more = report.left_out_count.saturating_sub(report.left_out.len() as u64);
        if more > 0 {
            let _ = writeln!(text, "  and {} more", count(more));
        }
    }
    text
}
