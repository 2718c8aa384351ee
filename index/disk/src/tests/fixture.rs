//! A folder of files, its index, and what is found in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use weft_index::{Pattern, PatternKind, PatternOptions};

use crate::{Index, IndexKey, Listed, SearchEnd, TextSearch, Version};

/// Path and line number of everything that was found.
pub(super) type Found = Vec<(String, u64)>;

pub(super) struct Fixture {
    home: tempfile::TempDir,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) index: Index,
}

pub(super) fn key() -> IndexKey {
    IndexKey::derive(&[7; 32], &[8; 32])
}

pub(super) fn listed(path: &str, bytes: &[u8]) -> Listed {
    Listed { path: path.into(), version: Version::of(bytes) }
}

impl Fixture {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let index = Index::open(&home.path().join("index/one.db"), &key()).unwrap();
        Self { home, files: BTreeMap::new(), index }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.home.path().join("index/one.db")
    }

    pub(super) fn root(&self) -> PathBuf {
        self.home.path().join("files")
    }

    /// The sources of this repository, and files of every odd kind.
    pub(super) fn with_sources() -> Self {
        let mut fixture = Self::new();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for folder in ["crdt/src", "sync/core/src", "app/core/src", "index", "docs"] {
            for entry in ignore::Walk::new(repository.join(folder)).flatten() {
                if entry.file_type().is_some_and(|kind| kind.is_file()) {
                    let name = entry.path().strip_prefix(&repository).unwrap().to_str().unwrap();
                    fixture.write(name, &fs::read(entry.path()).unwrap());
                }
            }
        }
        for (name, bytes) in odd_files() {
            fixture.write(name, &bytes);
        }
        fixture
    }

    pub(super) fn write(&mut self, path: &str, bytes: &[u8]) {
        let place = self.root().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
        self.files.insert(path.to_owned(), bytes.to_vec());
    }

    /// Lists every file and reads those that the index lacks; how many that were.
    pub(super) fn build(&self) -> usize {
        let unread = self.index.list(self.files.iter().map(|(path, bytes)| listed(path, bytes)));
        for file in &unread {
            self.index.put(&file.path, file.version, &self.files[&*file.path]).unwrap();
        }
        self.index.flush().unwrap();
        unread.len()
    }

    pub(super) fn open_again(&mut self) {
        let other = tempfile::tempdir().unwrap();
        self.index = Index::open(&other.path().join("other.db"), &key()).unwrap();
        self.index = Index::open(&self.database(), &key()).unwrap();
    }

    pub(super) fn find(&self, pattern: &Pattern) -> (Found, SearchEnd) {
        self.find_most(pattern, usize::MAX)
    }

    pub(super) fn find_most(&self, pattern: &Pattern, lines_max: usize) -> (Found, SearchEnd) {
        let read = |path: &str, into: &mut Vec<u8>| {
            self.files.get(path).map(|bytes| into.extend_from_slice(bytes)).is_some()
        };
        let is_ended = AtomicBool::new(false);
        let search = TextSearch { pattern, lines_max, is_in: None, is_ended: &is_ended };
        let mut found = Vec::new();
        let end = self.index.search(&search, &read, &mut |lines| {
            found.extend(lines.lines.iter().map(|line| (lines.path.to_string(), line.number)));
        });
        (found, end.unwrap())
    }

    pub(super) fn find_text(&self, text: &str) -> Vec<String> {
        let found = self.find(&literal(text)).0;
        found.into_iter().map(|(path, line)| format!("{path}:{line}")).collect()
    }

    /// The same without an index: every file is read.
    pub(super) fn find_slowly(&self, pattern: &Pattern) -> Found {
        let mut found = Vec::new();
        for (path, bytes) in &self.files {
            if let weft_index::FileKind::Text(text) = weft_index::decoded(bytes) {
                let lines = pattern.lines(&text, usize::MAX).lines;
                found.extend(lines.iter().map(|line| (path.clone(), line.number)));
            }
        }
        found
    }
}

pub(super) fn literal(text: &str) -> Pattern {
    Pattern::new(text, PatternKind::Literal, PatternOptions::default()).unwrap()
}

fn odd_files() -> Vec<(&'static str, Vec<u8>)> {
    let utf16: Vec<u8> =
        "\u{feff}Grüße in UTF-16\nzweite\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut late_zero = b"needle early\n".repeat(12_000);
    late_zero.extend_from_slice(b"zero \0 here\nneedle late\n");
    vec![
        ("odd/empty.txt", Vec::new()),
        ("odd/one line feed.txt", b"\n".to_vec()),
        ("odd/no end.txt", b"the last line has no needle end".to_vec()),
        ("odd/windows.txt", b"first needle\r\nsecond\r\n\r\nneedle\r\n".to_vec()),
        ("odd/mark.txt", b"\xef\xbb\xbfneedle at the start\n".to_vec()),
        ("odd/utf16.txt", utf16),
        ("odd/binary.dat", b"needle \0 needle\n".to_vec()),
        ("odd/late zero.txt", late_zero),
        ("odd/latin1.txt", b"caf\xe9 needle\nStra\xdfe\n".to_vec()),
        (
            "odd/unicode ü.txt",
            "STRASSE Straße ſtraße Kelvin \u{212a}elvin kelvin ΣΊΣΥΦΟΣ σίσυφος\n".as_bytes().to_vec(),
        ),
        ("odd/long line.txt", [b"x".repeat(200_000).as_slice(), b" needle ", &b"y".repeat(200_000)].concat()),
        ("odd/tabs.txt", b"\tneedle\tneedle\n  \n\t\n".to_vec()),
    ]
}
