//! Rows as they are drawn: text with colours, tabs as spaces, and where each character is.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use eframe::egui::{
    Galley, Ui,
    text::{CCursor, LayoutJob, LayoutSection, TextFormat},
    vec2,
};
use weft_editor::{CharIndex, Highlight, Row, SeenColors};

use super::EditorScene;
use crate::limits::KEPT_ROWS_MAX;

/// A row that is shown.
#[derive(Debug, Clone)]
pub(super) struct ShownRow {
    pub(super) row: Row,
    pub(super) galley: Arc<Galley>,
    /// For each character the one that is drawn for it; `None` where both are the same.
    map: Option<Arc<Vec<u32>>>,
    /// How many cells of white space the row begins with; `None` when there is nothing else.
    pub(super) indent: Option<usize>,
    /// How far it is set in, in points.
    pub(super) left: f32,
}

impl ShownRow {
    /// How far it reaches.
    pub(super) fn width(&self) -> f32 {
        self.left + self.galley.size().x
    }

    /// Where a character begins, from the start of the row.
    pub(super) fn x(&self, at: CharIndex) -> f32 {
        let offset = at.0.clamp(self.row.start.0, self.row.end.0) - self.row.start.0;
        let drawn = match &self.map {
            Some(map) => map.get(offset).or(map.last()).map_or(0, |drawn| *drawn as usize),
            None => offset,
        };
        self.left + self.galley.pos_from_cursor(CCursor::new(drawn)).left()
    }

    /// The character at a place, from the start of the row.
    pub(super) fn at(&self, x: f32) -> CharIndex {
        let x = x - self.left;
        let drawn = self.galley.cursor_from_pos(vec2(x.max(0.0), self.galley.size().y / 2.0)).index.0;
        let offset = match &self.map {
            Some(map) => {
                let behind = map.partition_point(|start| (*start as usize) <= drawn).saturating_sub(1);
                // Within a tab the nearer end counts.
                let (start, end) =
                    (map[behind] as usize, map.get(behind + 1).map_or(drawn, |end| *end as usize));
                if drawn - start > end.saturating_sub(drawn) { behind + 1 } else { behind }
            }
            None => drawn,
        };
        CharIndex((self.row.start.0 + offset).min(self.row.end.0))
    }

    /// Whether a caret at a place is drawn on this row.
    pub(super) fn has_caret(&self, at: CharIndex) -> bool {
        self.row.start <= at && (at < self.row.end || at == self.row.end && self.row.is_last)
    }
}

/// A row as it was laid out.
#[derive(Debug, Clone)]
struct Text {
    job: Arc<LayoutJob>,
    map: Option<Arc<Vec<u32>>>,
    indent: Option<usize>,
    /// The frame in which it was needed last.
    used: u64,
}

/// The texts of rows from earlier frames, by what they hold. Jobs are kept and not galleys: those are out of date when
/// the atlas of glyphs is made anew.
#[derive(Debug, Default)]
pub(super) struct RowTexts {
    texts: HashMap<u64, Text>,
    frame: u64,
    colors: SeenColors,
}

impl RowTexts {
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.texts.len()
    }

    /// Lays rows out.
    pub(super) fn lay_out(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        rows: Vec<Row>,
        char_width: f32,
    ) -> Vec<ShownRow> {
        self.frame += 1;
        self.color(ui, scene, &rows);
        let mut next = 0;
        let shown = rows
            .into_iter()
            .map(|row| {
                while self.colors.spans().get(next).is_some_and(|span| span.end <= row.start) {
                    next += 1;
                }
                let text = self.text_of(scene, &row, next);
                let job = LayoutJob::clone(&text.job);
                let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
                let left = row.indent as f32 * char_width;
                let indent = if row.is_first { text.indent } else { Some(row.indent) };
                ShownRow { row, galley, map: text.map, indent, left }
            })
            .collect();
        if self.texts.len() > KEPT_ROWS_MAX {
            let frame = self.frame;
            self.texts.retain(|_, text| text.used == frame);
        }
        shown
    }

    /// Finds the colours of what is seen, as far as they are not known.
    fn color(&mut self, ui: &Ui, scene: &EditorScene<'_>, rows: &[Row]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return self.colors.clear();
        };
        let now = Duration::from_secs_f64(ui.input(|input| input.time).max(0.0));
        if let Some(wait) = self.colors.update(scene.document, first.start..last.end, now) {
            ui.ctx().request_repaint_after(wait);
        }
    }

    fn text_of(&mut self, scene: &EditorScene<'_>, row: &Row, first_span: usize) -> Text {
        let rope = scene.document.buffer().rope();
        let slice = rope.slice(row.start.0..row.end.0);
        let spans: Vec<(usize, usize, Highlight)> = self.colors.spans()
            [first_span.min(self.colors.spans().len())..]
            .iter()
            .take_while(|span| span.start < row.end)
            .map(|span| {
                let start = span.start.0.max(row.start.0) - row.start.0;
                (start, span.end.0.min(row.end.0) - row.start.0, span.kind)
            })
            .collect();
        let tab_size = scene.document.settings().tab_size.max(1);
        let mut hasher = DefaultHasher::new();
        for chunk in slice.chunks() {
            hasher.write(chunk.as_bytes());
        }
        (scene.tokens.generation, tab_size, slice.len_chars()).hash(&mut hasher);
        for (start, end, kind) in &spans {
            (start, end, *kind as u8).hash(&mut hasher);
        }
        let frame = self.frame;
        let text =
            self.texts.entry(hasher.finish()).or_insert_with(|| make(scene, slice.chars(), &spans, tab_size));
        text.used = frame;
        text.clone()
    }
}

/// Makes the text of a row with its colours.
fn make(
    scene: &EditorScene<'_>,
    chars: impl Iterator<Item = char>,
    spans: &[(usize, usize, Highlight)],
    tab_size: usize,
) -> Text {
    let mut job =
        LayoutJob { break_on_newline: false, keep_trailing_whitespace: true, ..LayoutJob::default() };
    let mut map: Vec<u32> = Vec::new();
    let (mut drawn, mut is_mapped, mut indent) = (0_u32, false, None);
    let mut spans = spans.iter().copied().peekable();
    let mut kind = None;
    let mut section_start = 0;
    for (offset, char) in chars.enumerate() {
        while spans.peek().is_some_and(|(_, end, _)| *end <= offset) {
            spans.next();
        }
        let here = spans.peek().filter(|(start, _, _)| *start <= offset).map(|(_, _, kind)| *kind);
        if here != kind {
            push_section(scene, &mut job, section_start, kind);
            section_start = job.text.len();
            kind = here;
        }
        if indent.is_none() && !matches!(char, ' ' | '\t') {
            indent = Some(drawn as usize);
        }
        map.push(drawn);
        if char == '\t' {
            let width = tab_size - drawn as usize % tab_size;
            job.text.extend(std::iter::repeat_n(' ', width));
            drawn += width as u32;
            is_mapped = true;
        } else {
            job.text.push(shown_for(char));
            drawn += 1;
        }
    }
    map.push(drawn);
    push_section(scene, &mut job, section_start, kind);
    Text { job: Arc::new(job), map: is_mapped.then(|| Arc::new(map)), indent, used: 0 }
}

/// What is drawn for a character. One that has no picture of its own would be a hole in the line.
pub(super) fn shown_for(char: char) -> char {
    match char {
        '\u{7f}' => '\u{2421}',
        char if (char as u32) < 0x20 => char::from_u32(0x2400 + char as u32).unwrap_or('\u{fffd}'),
        // Marks that would turn the direction of the text, so that a line reads otherwise than it is.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{80}'..='\u{9f}' => '\u{fffd}',
        char => char,
    }
}

fn push_section(scene: &EditorScene<'_>, job: &mut LayoutJob, start: usize, kind: Option<Highlight>) {
    let end = job.text.len();
    if start < end {
        let (font, color) = scene.tokens.style(kind);
        let format = TextFormat::simple(font, color);
        job.sections.push(LayoutSection { leading_space: 0.0, byte_range: start.into()..end.into(), format });
    }
}
