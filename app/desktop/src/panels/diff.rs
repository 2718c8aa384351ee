//! Lines that go and lines that come.

use eframe::egui::{Color32, FontId, Label, RichText, Ui};

use crate::{
    controls,
    tokens::{self, Tokens},
};

/// How many lines of a difference are shown,
const LINES_MAX: usize = 40;
/// and how much of each.
const LINE_CHARS_MAX: usize = 300;

/// Draws lines with a sign before each.
pub(super) fn lines_ui<'a>(
    ui: &mut Ui,
    tokens: &Tokens,
    lines: impl IntoIterator<Item = &'a str>,
    sign: char,
    color: Color32,
) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut count = 0;
    for line in lines {
        count += 1;
        if count > LINES_MAX {
            continue;
        }
        let line: String = line.trim_end_matches(['\r', '\n']).chars().take(LINE_CHARS_MAX).collect();
        let text = RichText::new(format!("{sign} {line}")).color(color);
        let text = text.font(FontId::new(tokens::SMALL_SIZE, tokens.text_font().family));
        ui.add(Label::new(text).extend());
    }
    if count > LINES_MAX {
        controls::paragraph(ui, tokens, &format!("and {} more lines", count - LINES_MAX));
    }
}
