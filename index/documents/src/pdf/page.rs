//! The text of one page: what its operators show (ISO 32000-1, 9.4), with spaces and lines where they place it.
//!
//! Many programs write no spaces and no ends of lines, but place each word or line. How wide what was shown is, is only
//! guessed here: half of its height for each letter.

use std::{collections::BTreeMap, rc::Rc};

use lopdf::content::Operation;
use lopdf::{Document, Encoding, Object};

/// The width of a letter, as a part of the size of its font.
const LETTER_WIDTH: f32 = 0.5;
/// A gap as wide as this part of the size is a space.
const SPACE_WIDTH: f32 = 0.2;
/// What lies this part of the size higher or lower is another line.
const LINE_HEIGHT: f32 = 0.4;
/// Of so many letters the width is guessed too badly to tell a gap: then there is one.
const GUESSED_LETTERS: usize = 12;

/// How the letters of each font that a page or a form names are written.
pub(super) type Fonts<'a> = BTreeMap<Vec<u8>, Rc<Encoding<'a>>>;

/// What an object of its own within a page leaves as it was.
pub(super) struct Style<'a> {
    encoding: Option<Rc<Encoding<'a>>>,
    size: f32,
    leading: f32,
}

pub(super) struct PageText<'a> {
    encoding: Option<Rc<Encoding<'a>>>,
    size: f32,
    leading: f32,
    /// How much larger the text is shown than its size says.
    scale: f32,
    /// Where the line begins.
    line: (f32, f32),
    /// Where what is shown next begins, when it was placed; else it follows what was shown last.
    placed: Option<(f32, f32)>,
    /// Where what was shown last began, and how many letters that were since.
    last: (f32, f32),
    letters: usize,
    text: String,
}

fn number(object: Option<&Object>) -> f32 {
    let number = object.and_then(|object| object.as_float().ok()).unwrap_or(0.0);
    if number.is_finite() { number } else { 0.0 }
}

impl<'a> PageText<'a> {
    pub(super) fn new() -> Self {
        Self {
            encoding: None,
            size: 1.0,
            leading: 0.0,
            scale: 1.0,
            line: (0.0, 0.0),
            placed: None,
            last: (0.0, 0.0),
            letters: 0,
            text: String::new(),
        }
    }

    pub(super) fn end(self) -> String {
        self.text
    }

    /// Begins an object of its own, which stands somewhere else than what was shown last.
    pub(super) fn enter(&mut self) -> Style<'a> {
        self.end_line();
        Style { encoding: self.encoding.clone(), size: self.size, leading: self.leading }
    }

    /// Ends it.
    pub(super) fn leave(&mut self, before: Style<'a>) {
        self.end_line();
        (self.encoding, self.size, self.leading) = (before.encoding, before.size, before.leading);
    }

    pub(super) fn take(&mut self, operation: &Operation, fonts: &Fonts<'a>) {
        let operands = &operation.operands;
        let at = |index: usize| number(operands.get(index));
        match operation.operator.as_str() {
            "BT" => {
                self.scale = 1.0;
                self.place(0.0, 0.0);
            }
            "Tf" => {
                let name = operands.first().and_then(|name| name.as_name().ok());
                self.encoding = name.and_then(|name| fonts.get(name)).cloned();
                self.size = at(1);
            }
            "TL" => self.leading = at(0),
            "Td" => self.move_line(at(0), at(1)),
            "TD" => {
                self.leading = -at(1);
                self.move_line(at(0), at(1));
            }
            "Tm" => {
                self.scale = at(0).hypot(at(1));
                self.place(at(4), at(5));
            }
            "T*" => self.move_line(0.0, -self.leading),
            "Tj" | "TJ" => operands.iter().for_each(|operand| self.show(operand)),
            "'" | "\"" => {
                self.move_line(0.0, -self.leading);
                operands.last().into_iter().for_each(|operand| self.show(operand));
            }
            _ => {}
        }
    }

    fn place(&mut self, x: f32, y: f32) {
        self.line = (x, y);
        self.placed = Some(self.line);
    }

    fn move_line(&mut self, x: f32, y: f32) {
        self.place(self.line.0 + x * self.scale, self.line.1 + y * self.scale);
    }

    /// The size of what is shown, never 0.
    fn height(&self) -> f32 {
        (self.size * self.scale).abs().max(0.001)
    }

    fn show(&mut self, operand: &Object) {
        match operand {
            Object::String(bytes, _) => {
                let text = self.encoding.as_deref();
                let text = text.and_then(|encoding| Document::decode_text(encoding, bytes).ok());
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    self.separate();
                    self.letters += text.chars().count();
                    self.text.push_str(&text);
                }
            }
            // One level: an array in an array is none of a PDF.
            Object::Array(parts) => {
                for part in parts {
                    match part {
                        Object::String(..) => self.show(part),
                        // In thousandths of the size, to the left.
                        gap if number(Some(gap)) < -1_000.0 * SPACE_WIDTH => self.space(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn space(&mut self) {
        if self.text.chars().next_back().is_some_and(|last| !last.is_whitespace()) {
            self.text.push(' ');
        }
    }

    /// A space or the end of a line before what was placed, where there is room for one.
    fn separate(&mut self) {
        let Some((x, y)) = self.placed.take() else { return };
        let height = self.height();
        let gap = x - self.last.0 - self.letters as f32 * LETTER_WIDTH * height;
        if (y - self.last.1).abs() > LINE_HEIGHT * height {
            self.end_line();
        } else if self.letters > GUESSED_LETTERS || gap.abs() > SPACE_WIDTH * height {
            self.space();
        }
        self.last = (x, y);
        self.letters = 0;
    }
}

#[cfg(test)]
mod tests {
    use lopdf::content::Content;
    use lopdf::dictionary;

    use super::*;

    fn text(content: &str) -> String {
        let font = dictionary! { "Type" => "Font", "Encoding" => "WinAnsiEncoding" };
        let document = Document::new();
        let encoding = font.get_font_encoding(&document).unwrap_or_else(|error| panic!("{error}"));
        let fonts = BTreeMap::from([(b"F".to_vec(), Rc::new(encoding))]);
        let mut text = PageText::new();
        let content = Content::decode(content.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        content.operations.iter().for_each(|operation| text.take(operation, &fonts));
        text.end()
    }

    #[test]
    fn words_and_lines_are_told_by_where_they_stand() {
        for (content, expected) in [
            // As TeX writes: no spaces, lines by moves.
            (
                "BT /F 10 Tf 100 700 Td [(The)-333(harb)28(our)]TJ 0 -12 Td [(is)-333.5(closed)]TJ ET",
                "The harbour\nis closed",
            ),
            // As word processors write: each part by itself, words cut anywhere.
            (
                "BT /F 10 Tf 1 0 0 1 72 700 Tm (H)Tj ET BT 1 0 0 1 78 700 Tm (arbour )Tj ET BT 1 0 0 1 120 700 Tm (yard)Tj ET",
                "Harbour yard",
            ),
            (
                "BT /F 1 Tf 10 0 0 10 72 700 Tm (one)Tj 0 -1.2 Td (two)Tj 12 TL T* (three)Tj ET",
                "one\ntwo\nthree",
            ),
            ("BT /F 10 Tf 12 TL (one)Tj (two)' 1 2 (three)\" ET", "one\ntwo\nthree"),
            ("BT /F 10 Tf 0 0 Td (left)Tj 200 0 Td (right)Tj ET", "left right"),
            ("BT (no font) Tj /G 1 Tf (another) Tj ET", ""),
        ] {
            assert_eq!(text(content), expected, "{content}");
        }
    }
}
