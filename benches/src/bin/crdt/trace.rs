//! Recorded editing sessions, or one that is made up.

use std::io::BufReader;
use std::path::Path;

use flate2::read::GzDecoder;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use weft_crdt::{CharIndex, Edit};

/// One person's editing session.
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) edits: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    kind: Option<String>,
    #[serde(default)]
    start_content: String,
    end_content: String,
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    patches: Vec<(usize, usize, String)>,
}

impl Trace {
    /// The sessions in the folder that `WEFT_TRACES` names, or one that is made up.
    pub(crate) fn all() -> Vec<Self> {
        let Some(folder) = std::env::var_os("WEFT_TRACES") else {
            return vec![Self::typing(100_000)];
        };
        let mut traces: Vec<Self> = std::fs::read_dir(&folder)
            .expect("a readable folder in WEFT_TRACES")
            .filter_map(|entry| Self::read(&entry.ok()?.path()))
            .collect();
        traces.sort_by_key(|trace| trace.edits.len());
        assert!(!traces.is_empty(), "no *.json.gz in {}", Path::new(&folder).display());
        traces
    }

    /// A session of one person; sessions of several are something else.
    fn read(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".json.gz")?.to_owned();
        let file = std::fs::File::open(path).expect("a trace that can be opened");
        let file: File =
            serde_json::from_reader(BufReader::new(GzDecoder::new(file))).expect("a trace in JSON");
        if file.kind.as_deref() == Some("concurrent") {
            return None;
        }
        let patches = file.txns.into_iter().flat_map(|transaction| transaction.patches);
        let edits = patches.map(|(at, delete, insert)| Edit { at: CharIndex(at), delete, insert }).collect();
        Some(Self { name, start: file.start_content, end: file.end_content, edits })
    }

    /// Typing with pauses, typing errors, and returns to older places.
    fn typing(count: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut text: Vec<char> = Vec::new();
        let mut edits = Vec::with_capacity(count);
        let mut caret = 0;
        while edits.len() < count {
            if random.random_bool(0.02) {
                caret = random.random_range(0..=text.len());
            }
            let edit = if caret > 0 && random.random_bool(0.12) {
                caret -= 1;
                text.remove(caret);
                Edit { at: CharIndex(caret), delete: 1, insert: String::new() }
            } else {
                let letters = ['e', 't', 'a', ' ', 'o', 'n', 'i', '\n', '(', 'é'];
                let letter = letters[random.random_range(0..letters.len())];
                text.insert(caret, letter);
                caret += 1;
                Edit { at: CharIndex(caret - 1), delete: 0, insert: letter.to_string() }
            };
            edits.push(edit);
        }
        Self { name: "typing".to_owned(), start: String::new(), end: text.into_iter().collect(), edits }
    }
}
