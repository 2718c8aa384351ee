//! What reading a document is bounded by.

use std::time::Duration;

/// Bytes of a document that is read.
pub const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of text that a document gives; the rest is left out and told.
pub const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Pages and sections of a document.
pub const PASSAGES_MAX: usize = 20_000;
/// Bytes of a section's name.
pub const PLACE_BYTES_MAX: usize = 200;
/// Bytes that the packed text of a document may unpack to.
pub const UNPACKED_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Bytes that one page may unpack to.
pub const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Forms, which are pieces that are objects of their own, that are read for one page.
pub const FORMS_MAX: usize = 256;
/// Forms within each other.
pub const FORM_DEPTH_MAX: usize = 8;
/// Memory of the process that reads.
pub const MEMORY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// After this time no other page is begun, and what was read by then is given.
pub const READING_TIME_MAX: Duration = Duration::from_secs(10);
/// Time of a processor that it may take.
pub const PROCESSOR_SECONDS_MAX: u64 = 20;
/// Time that is waited for it.
pub const TIME_MAX: Duration = Duration::from_secs(60);
