//! The text of DOCX files, by their headings: a ZIP archive with `word/document.xml` in it.

use std::io::{BufReader, Cursor, Read as _};
use std::time::Instant;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use crate::limits::{TEXT_BYTES_MAX, UNPACKED_BYTES_MAX};
use crate::{ExtractError, Extracted, damaged};

/// Elements between two looks at the time.
const EVENTS_PER_LOOK: u64 = 4_096;

/// Reads until a moment; what was read by then is given.
pub(crate) fn extract(bytes: &[u8], until: Instant) -> Result<Extracted, ExtractError> {
    // What word processors close with a password is no archive any more.
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(ExtractError::Encrypted);
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let packed = archive.by_name("word/document.xml").map_err(damaged)?;
    // However little it claims to be: no more than this is unpacked.
    let mut reader = Reader::from_reader(BufReader::new(packed.take(UNPACKED_BYTES_MAX)));
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
    for number in 1_u64.. {
        if number % EVENTS_PER_LOOK == 0 && Instant::now() >= until {
            walk.extracted.is_cut = true;
            break;
        }
        let event = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(event) => event,
            Err(error) if walk.extracted.passages.is_empty() && walk.text.is_empty() => {
                return Err(damaged(error));
            }
            Err(_) => {
                walk.extracted.is_cut = true;
                break;
            }
        };
        if !walk.take(event) {
            break;
        }
        buffer.clear();
    }
    walk.end_passage();
    match walk.extracted {
        extracted if extracted.has_words() => Ok(extracted),
        Extracted { is_cut: true, .. } => Err(damaged("nothing of it can be read")),
        _ => Err(ExtractError::NoText),
    }
}

/// Where the walk through the elements is.
#[derive(Default)]
struct Walk {
    extracted: Extracted,
    /// The heading of the passage that is gathered, and its text.
    place: String,
    text: String,
    paragraph: String,
    is_heading: bool,
    is_in_text: bool,
}

fn local<'a>(element: &'a BytesStart<'_>) -> &'a str {
    element.local_name().into_inner()
}

impl Walk {
    /// `false` when there is no room for more.
    fn take(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::Start(element) | Event::Empty(element) => self.begin(&element),
            Event::End(element) => match element.local_name().into_inner() {
                "p" => return self.end_paragraph(),
                "t" => self.is_in_text = false,
                _ => {}
            },
            Event::Text(text) if self.is_in_text => {
                self.paragraph.push_str(&text);
            }
            Event::GeneralRef(reference) if self.is_in_text => {
                let number = reference.resolve_char_ref().ok().flatten();
                let char = number.or_else(|| match &*reference {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                });
                self.paragraph.extend(char);
            }
            _ => {}
        }
        self.paragraph.len() + self.text.len() <= TEXT_BYTES_MAX || self.end_paragraph()
    }

    fn begin(&mut self, element: &BytesStart<'_>) {
        match local(element) {
            "t" => self.is_in_text = true,
            "tab" => self.paragraph.push('\t'),
            "br" | "cr" => self.paragraph.push('\n'),
            "pStyle" => {
                let style = element
                    .attributes()
                    .flatten()
                    .find(|attribute| attribute.key.local_name().into_inner() == "val");
                let style = style.map(|style| style.value.to_ascii_lowercase()).unwrap_or_default();
                self.is_heading = style.starts_with("heading") || style == "title";
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) -> bool {
        let paragraph = std::mem::take(&mut self.paragraph);
        let mut has_room = true;
        if std::mem::take(&mut self.is_heading) && !paragraph.trim().is_empty() {
            has_room = self.end_passage();
            paragraph.trim().clone_into(&mut self.place);
        }
        self.text.push_str(&paragraph);
        self.text.push('\n');
        has_room && self.text.len() <= TEXT_BYTES_MAX
    }

    fn end_passage(&mut self) -> bool {
        let text = std::mem::take(&mut self.text);
        let place = std::mem::take(&mut self.place);
        text.trim().is_empty() || self.extracted.push(&place, &text)
    }
}
