//! What is looked for.

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use weft_index::{Pattern, PatternKind, PatternOptions};

use crate::corpus::Corpus;

/// Something to look for, as ripgrep has it.
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) flags: Vec<&'static str>,
}

impl Query {
    fn new(text: &str, flags: &[&'static str]) -> Self {
        Self { text: text.to_owned(), flags: flags.to_vec() }
    }

    /// The same for the index.
    pub(crate) fn pattern(&self) -> Pattern {
        let kind = if self.flags.contains(&"-F") { PatternKind::Literal } else { PatternKind::Regex };
        let options = PatternOptions {
            ignores_case: self.flags.contains(&"-i"),
            whole_words: self.flags.contains(&"-w"),
        };
        Pattern::new(&self.text, kind, options).expect("a pattern")
    }
}

/// Queries by people: some rare, some of which there are thousands.
pub(crate) fn by_hand() -> Vec<Query> {
    [
        ("PollEvented", &["-F"][..]),
        ("no_such_name_anywhere", &["-F"]),
        ("impl Stream for", &["-F"]),
        ("deadlock", &["-F", "-i"]),
        ("Copyright (c) 2019", &["-F"]),
        ("fn new(", &["-F"]),
        ("unwrap()", &["-F"]),
        ("xz", &["-F"]),
        ("impl<.*> Iterator for \\w+", &[]),
        ("connection\\s+refused", &["-i"]),
        ("\\bunsafe_op_in_\\w+\\b", &[]),
        ("[A-Z][a-z]+StreamExt\\b", &[]),
        ("(TODO|FIXME|XXX)\\(\\w+\\)", &[]),
        ("^\\s*pub\\(crate\\) async fn", &[]),
        ("ü", &["-F"]),
        ("straße", &["-F", "-i"]),
        ("\\w{50,}", &[]),
        ("^$", &[]),
    ]
    .map(|(text, flags)| Query::new(text, flags))
    .into_iter()
    .collect()
}

/// Names that stand in the sources, drawn at random, as they are, as whole words, in any case, and as beginnings.
pub(crate) fn drawn(corpus: &Corpus, count: usize) -> Vec<Query> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut queries = Vec::new();
    while queries.len() < count {
        let file = &corpus.files[rng.random_range(0..corpus.files.len())];
        let text = String::from_utf8_lossy(&corpus.read(file)).into_owned();
        let names = text.split(|char: char| !char.is_alphanumeric() && char != '_');
        let names: Vec<&str> = names.filter(|name| name.len() >= 9 && name.is_ascii()).collect();
        if names.is_empty() {
            continue;
        }
        let name = names[rng.next_u64() as usize % names.len()];
        queries.push(match queries.len() % 5 {
            0 | 1 => Query::new(name, &["-F"]),
            2 => Query::new(name, &["-F", "-w"]),
            3 => Query::new(name, &["-F", "-i"]),
            _ => Query::new(&format!("{}\\w+\\(", &name[..8]), &[]),
        });
    }
    queries
}
