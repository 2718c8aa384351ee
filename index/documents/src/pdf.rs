//! The text of PDF files, page by page.

mod page;

use std::{rc::Rc, time::Instant};

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Error, Object, ObjectId, Stream};

use self::page::{Fonts, PageText};
use crate::limits::{FORM_DEPTH_MAX, FORMS_MAX, PAGE_BYTES_MAX, PASSAGES_MAX};
use crate::{ExtractError, Extracted, damaged};

/// Reads pages until a moment; what was read by then is given, the first page in any case.
pub(crate) fn extract(bytes: &[u8], until: Instant) -> Result<Extracted, ExtractError> {
    let document = Document::load_mem(bytes).map_err(|error| match error {
        Error::Decryption(_) | Error::InvalidPassword => ExtractError::Encrypted,
        error => damaged(error),
    })?;
    let mut extracted = Extracted::default();
    let mut has_pages = false;
    for (number, page) in (1..).zip(document.page_iter().take(PASSAGES_MAX + 1)) {
        if has_pages && Instant::now() >= until {
            extracted.is_cut = true;
            break;
        }
        has_pages = true;
        // Where one cannot be read, the other pages may be whole.
        let text = text_of(&document, page).unwrap_or_else(|_| {
            extracted.is_cut = true;
            String::new()
        });
        if !extracted.push(&format!("page {number}"), &text) {
            break;
        }
    }
    if extracted.has_words() {
        Ok(extracted)
    } else if document.is_encrypted() {
        Err(ExtractError::Encrypted)
    } else if !has_pages {
        Err(damaged("it has no pages"))
    } else if extracted.is_cut {
        Err(damaged("no page can be read"))
    } else {
        Err(ExtractError::NoText)
    }
}

fn text_of(document: &Document, page: ObjectId) -> Result<String, Error> {
    let (own, inherited) = document.get_page_resources(page)?;
    let mut names: Vec<&Dictionary> = own.into_iter().collect();
    names.extend(inherited.into_iter().filter_map(|id| document.get_dictionary(id).ok()));
    let content = document.get_page_content_with_limit(page, PAGE_BYTES_MAX)?;
    let mut reader =
        Reader { document, text: PageText::new(), bytes_left: PAGE_BYTES_MAX, forms_left: FORMS_MAX };
    reader.show(&content, &names, 0)?;
    Ok(reader.text.end())
}

/// Reads a page, and the forms that it shows: pieces of a page that are objects of their own (ISO 32000-1, 8.10).
struct Reader<'a> {
    document: &'a Document,
    text: PageText<'a>,
    bytes_left: usize,
    forms_left: usize,
}

impl<'a> Reader<'a> {
    /// Takes what operators show; `names` has what they name, the nearest first.
    fn show(&mut self, content: &[u8], names: &[&'a Dictionary], depth: usize) -> Result<(), Error> {
        self.bytes_left = self.bytes_left.saturating_sub(content.len());
        let fonts = self.fonts(names);
        for operation in &Content::decode(content)?.operations {
            if operation.operator != "Do" {
                self.text.take(operation, &fonts);
                continue;
            }
            let name = operation.operands.first().and_then(|name| name.as_name().ok());
            let form = name.and_then(|name| self.form(name, names));
            let Some(form) = form.filter(|_| depth < FORM_DEPTH_MAX && self.forms_left > 0) else { continue };
            self.forms_left -= 1;
            // One that cannot be read leaves the rest of the page as it is.
            let Ok(content) = form.get_plain_content_with_limit(self.bytes_left) else { continue };
            let own = self.dictionary(form.dict.get(b"Resources").ok());
            let before = self.text.enter();
            let _damaged = match own {
                Some(own) => self.show(&content, &[own], depth + 1),
                // Old ones use what the page names.
                None => self.show(&content, names, depth + 1),
            };
            self.text.leave(before);
        }
        Ok(())
    }

    fn dictionary(&self, object: Option<&'a Object>) -> Option<&'a Dictionary> {
        match object? {
            Object::Reference(id) => self.document.get_dictionary(*id).ok(),
            object => object.as_dict().ok(),
        }
    }

    fn fonts(&self, names: &[&'a Dictionary]) -> Fonts<'a> {
        let mut fonts = Fonts::new();
        for names in names {
            let named = self.dictionary(names.get(b"Font").ok());
            for (name, font) in named.into_iter().flat_map(Dictionary::iter) {
                let encoding = self
                    .dictionary(Some(font))
                    .and_then(|font| font.get_font_encoding_with_limit(self.document, PAGE_BYTES_MAX).ok());
                if let (Some(encoding), false) = (encoding, fonts.contains_key(name)) {
                    fonts.insert(name.clone(), Rc::new(encoding));
                }
            }
        }
        fonts
    }

    fn form(&self, name: &[u8], names: &[&'a Dictionary]) -> Option<&'a Stream> {
        let found =
            names.iter().find_map(|names| self.dictionary(names.get(b"XObject").ok())?.get(name).ok());
        let stream = self.document.get_object(found?.as_reference().ok()?).ok()?.as_stream().ok()?;
        (stream.dict.get(b"Subtype").ok()?.as_name().ok()? == b"Form").then_some(stream)
    }
}
