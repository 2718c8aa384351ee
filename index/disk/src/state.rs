//! What the index knows, in memory: the files, and where the trigrams of each are.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weft_index::{Overlay, Trigram};

use crate::IndexError;

/// What a file is, told apart from what it was before: equal versions are equal contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub [u8; 16]);

impl Version {
    /// The version of what some bytes name.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let mut version = [0; 16];
        version.copy_from_slice(&blake3::hash(name).as_bytes()[..16]);
        Self(version)
    }
}

/// Tells texts apart: equal ones have equal numbers, and others as good as never.
pub(crate) fn check_of(text: &[u8]) -> u64 {
    let hash = blake3::hash(text);
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// A file that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path in the workspace, with `/` between names.
    pub path: Arc<str>,
    /// What it is.
    pub version: Version,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRow {
    #[serde(with = "shared_text")]
    pub(crate) path: Arc<str>,
    pub(crate) version: Version,
    /// Bytes of its text.
    pub(crate) bytes: u32,
    /// Lines of its text.
    pub(crate) lines: u32,
    /// Tells its text apart from others.
    pub(crate) check: u64,
}

/// What is kept of a segment besides its pages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SegmentRow {
    /// The texts, by their number in the lists.
    pub(crate) documents: Vec<FileRow>,
    /// Files without text.
    pub(crate) without_text: Vec<FileRow>,
    /// The first trigram of each page.
    pub(crate) firsts: Vec<u32>,
}

/// What is kept of a file by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SingleRow {
    pub(crate) file: FileRow,
    /// Its trigrams, ascending, as differences; none where it has no text.
    pub(crate) trigrams: Option<Vec<u32>>,
}

/// A segment in memory.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: i64,
    pub(crate) documents: Vec<FileRow>,
    pub(crate) without_text: Vec<FileRow>,
    pub(crate) firsts: Vec<Trigram>,
}

impl Segment {
    pub(crate) fn count(&self) -> u32 {
        self.documents.len() as u32
    }
}

/// Where what is known of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is not known yet.
    Unread,
    /// In the row of this number, as the text of this number, or without a text.
    Segment { number: i64, document: Option<u32> },
    /// By itself, in the row of this number.
    Single { number: i64, has_text: bool },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct File {
    pub(crate) version: Version,
    pub(crate) place: Place,
    pub(crate) bytes: u32,
    pub(crate) lines: u32,
}

/// A file by itself, in memory.
#[derive(Debug)]
pub(crate) struct Single {
    pub(crate) file: FileRow,
    pub(crate) trigrams: Option<Vec<Trigram>>,
}

/// Everything that is known.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) files: BTreeMap<Arc<str>, File>,
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) singles: BTreeMap<i64, Arc<Single>>,
    pub(crate) overlay: Overlay,
    /// The number of the next row.
    pub(crate) next: i64,
}

/// Texts that are shared in memory, written as texts.
pub(crate) mod shared_text {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, IndexError> {
    postcard::to_stdvec(value).map_err(|_| IndexError::Damaged)
}

pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, IndexError> {
    postcard::from_bytes(bytes).map_err(|_| IndexError::Damaged)
}

impl SingleRow {
    pub(crate) fn new(single: &Single) -> Self {
        let trigrams = single.trigrams.as_ref().map(|trigrams| {
            let mut last = 0;
            trigrams.iter().map(|trigram| trigram.0 - std::mem::replace(&mut last, trigram.0)).collect()
        });
        Self { file: single.file.clone(), trigrams }
    }

    pub(crate) fn read(self) -> Result<Single, IndexError> {
        let trigrams = self.trigrams.map(|steps| {
            let mut last = 0_u32;
            let sum = |step: u32| {
                last = last.checked_add(step).filter(|sum| *sum < 1 << 24).ok_or(IndexError::Damaged)?;
                Ok(Trigram(last))
            };
            steps.into_iter().map(sum).collect::<Result<Vec<_>, IndexError>>()
        });
        Ok(Single { file: self.file, trigrams: trigrams.transpose()? })
    }
}

impl State {
    /// Takes a segment in; what it says of files is newer than what was known.
    pub(crate) fn add_segment(&mut self, number: i64, row: SegmentRow) -> Result<(), IndexError> {
        if row.firsts.iter().any(|first| *first >= 1 << 24) {
            return Err(IndexError::Damaged);
        }
        let segment = Segment {
            number,
            firsts: row.firsts.into_iter().map(Trigram).collect(),
            documents: row.documents,
            without_text: row.without_text,
        };
        for (document, file) in (0..).zip(&segment.documents) {
            self.learn(file, Place::Segment { number, document: Some(document) });
        }
        for file in &segment.without_text {
            self.learn(file, Place::Segment { number, document: None });
        }
        self.segments.push(Arc::new(segment));
        self.next = self.next.max(number + 1);
        Ok(())
    }

    /// Takes a file by itself in.
    pub(crate) fn add_single(&mut self, number: i64, single: Single) {
        let place = Place::Single { number, has_text: single.trigrams.is_some() };
        self.learn(&single.file, place);
        self.singles.insert(number, Arc::new(single));
        self.next = self.next.max(number + 1);
    }

    fn learn(&mut self, file: &FileRow, place: Place) {
        let FileRow { version, bytes, lines, .. } = *file;
        let known = File { version, place, bytes, lines };
        let before = self.files.insert(Arc::clone(&file.path), known);
        if let Some(File { place: Place::Single { number, .. }, .. }) = before {
            self.singles.remove(&number);
        }
    }

    /// Whether what a segment says of a text still counts.
    pub(crate) fn counts(&self, path: &str, place: Place) -> bool {
        self.files.get(path).is_some_and(|file| file.place == place)
    }
}
