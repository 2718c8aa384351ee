//! The text of PDF files, page by page.

use lopdf::Document;

use crate::limits::{PAGE_BYTES_MAX, PASSAGES_MAX};
use crate::{ExtractError, Extracted, damaged};

pub(crate) fn extract(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let document = Document::load_mem(bytes).map_err(|error| match error {
        lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword => ExtractError::Encrypted,
        error => damaged(error),
    })?;
    let mut extracted = Extracted::default();
    let pages = document.get_pages();
    if pages.is_empty() {
        return Err(damaged("it has no pages"));
    }
    for number in pages.keys().take(PASSAGES_MAX) {
        match document.extract_text_with_limit(&[*number], PAGE_BYTES_MAX) {
            Ok(text) => {
                if !extracted.push(&format!("page {number}"), &text) {
                    break;
                }
            }
            // The other pages may be whole.
            Err(_) => extracted.is_cut = true,
        }
    }
    if extracted.passages.is_empty() {
        return Err(if document.is_encrypted() {
            ExtractError::Encrypted
        } else {
            damaged("no page can be read")
        });
    }
    Ok(extracted)
}
