//! The text of PDF files, page by page.

mod page;

use std::collections::BTreeMap;
use std::time::Instant;

use lopdf::content::Content;
use lopdf::{Document, Encoding, Error, ObjectId};

use self::page::PageText;
use crate::limits::{PAGE_BYTES_MAX, PASSAGES_MAX};
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
    let fonts = document.get_page_fonts(page)?;
    let encodings: BTreeMap<Vec<u8>, Encoding<'_>> = fonts
        .into_iter()
        .filter_map(|(name, font)| {
            Some((name, font.get_font_encoding_with_limit(document, PAGE_BYTES_MAX).ok()?))
        })
        .collect();
    let content = Content::decode(&document.get_page_content_with_limit(page, PAGE_BYTES_MAX)?)?;
    let mut text = PageText::new(&encodings);
    content.operations.iter().for_each(|operation| text.take(operation));
    Ok(text.end())
}
