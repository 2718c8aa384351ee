//! The symbols of all texts, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Symbol, SymbolKind};
use crate::limits::SYMBOL_MATCHES_MAX;
use crate::{Fuzzy, FuzzyScratch};

/// What all texts of a workspace define.
#[derive(Default)]
pub struct SymbolTable {
    files: BTreeMap<Arc<str>, Vec<Symbol>>,
    names: BTreeMap<Arc<str>, Named>,
    count: usize,
}

/// Where a name is defined.
struct Named {
    /// The letters that it has, folded: a name that lacks one of a query's needs no closer look.
    letters: u64,
    files: Vec<Arc<str>>,
}

/// A symbol that was looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct SymbolHit {
    /// The path of its text.
    pub path: Arc<str>,
    /// It.
    pub symbol: Symbol,
    /// How well it fits, up to 1.
    pub score: f64,
}

/// Which letters and digits a name has, of any case.
fn letters(name: &str) -> u64 {
    name.chars().fold(0, |letters, char| {
        let folded = char.to_lowercase().next().unwrap_or(char);
        let bit = match folded {
            'a'..='z' => folded as u32 - 'a' as u32,
            '0'..='9' => 26 + folded as u32 - '0' as u32,
            '_' => 36,
            _ => 37 + folded as u32 % 27,
        };
        letters | 1 << bit
    })
}

impl SymbolTable {
    /// The symbols of a text, in place of those that it had.
    pub fn put(&mut self, path: &str, symbols: Vec<Symbol>) {
        self.remove(path);
        let path: Arc<str> = path.into();
        self.count += symbols.len();
        let mut kept = Vec::with_capacity(symbols.len());
        for mut symbol in symbols {
            if let Some((known, _)) = self.names.get_key_value(&symbol.name) {
                symbol.name = Arc::clone(known);
            }
            let named = self
                .names
                .entry(Arc::clone(&symbol.name))
                .or_insert_with(|| Named { letters: letters(&symbol.name), files: Vec::new() });
            if named.files.last() != Some(&path) {
                named.files.push(Arc::clone(&path));
            }
            kept.push(symbol);
        }
        if !kept.is_empty() {
            self.files.insert(path, kept);
        }
    }

    /// A text is gone.
    pub fn remove(&mut self, path: &str) {
        let Some(symbols) = self.files.remove(path) else { return };
        self.count -= symbols.len();
        for symbol in symbols {
            if let Some(named) = self.names.get_mut(&symbol.name) {
                named.files.retain(|file| **file != *path);
                if named.files.is_empty() {
                    self.names.remove(&symbol.name);
                }
            }
        }
    }

    /// How many symbols there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The symbols of a text, in their order.
    #[must_use]
    pub fn outline(&self, path: &str) -> &[Symbol] {
        self.files.get(path).map_or(&[], Vec::as_slice)
    }

    /// Where a name is defined: in the text that asks first, then in the folders nearest to it; types and functions
    /// before what lies in them.
    #[must_use]
    pub fn definitions(&self, name: &str, asking: &str) -> Vec<SymbolHit> {
        let mut hits = Vec::new();
        self.collect(name, 1.0, &mut hits);
        for hit in &mut hits {
            hit.score -= distance(&hit.path, asking) as f64 * 0.01 + weight(hit.symbol.kind);
        }
        sort(&mut hits);
        hits
    }

    /// The symbols whose name fits best: the name itself, then what begins with it, then what has its letters in their
    /// order. At most so many, and whether there are more.
    #[must_use]
    pub fn find(&self, query: &str, most: usize) -> (Vec<SymbolHit>, bool) {
        let fuzzy = Fuzzy::new(query);
        let wanted = query.split_whitespace().fold(0, |wanted, word| wanted | letters(word));
        let folded = query.to_lowercase();
        let mut scratch = FuzzyScratch::default();
        let letters_of_query = query.chars().count().max(1) as f64;
        let mut names: Vec<(f64, &Arc<str>)> = Vec::new();
        for (name, _) in self.names.iter().filter(|(_, named)| named.letters & wanted == wanted) {
            if let Some(score) = fit(name, query, (&folded, letters_of_query), &fuzzy, &mut scratch) {
                names.push((score, name));
            }
        }
        let order =
            |a: &(f64, &Arc<str>), b: &(f64, &Arc<str>)| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1));
        // Each name has a symbol, so more of them than symbols are asked for need not be put in order.
        let enough = most.min(SYMBOL_MATCHES_MAX);
        let is_cut = names.len() > enough + 1;
        if is_cut {
            names.select_nth_unstable_by(enough, order);
            names.truncate(enough + 1);
        }
        names.sort_unstable_by(order);
        let mut hits = Vec::new();
        let mut has_more = false;
        for (score, name) in names {
            if hits.len() >= most.min(SYMBOL_MATCHES_MAX) {
                has_more = true;
                break;
            }
            self.collect(name, score, &mut hits);
        }
        hits.iter_mut().for_each(|hit| hit.score -= weight(hit.symbol.kind));
        sort(&mut hits);
        has_more |= hits.len() > most;
        hits.truncate(most);
        (hits, has_more)
    }

    fn collect(&self, name: &str, score: f64, hits: &mut Vec<SymbolHit>) {
        let files = self.names.get(name).map_or(&[][..], |named| &named.files);
        for path in files {
            let of_name = self.outline(path).iter().filter(|symbol| *symbol.name == *name);
            hits.extend(of_name.map(|symbol| SymbolHit {
                path: Arc::clone(path),
                symbol: symbol.clone(),
                score,
            }));
        }
    }
}

/// How well a name fits a query, from 0 to 1.
fn fit(
    name: &str,
    query: &str,
    (folded, letters): (&str, f64),
    fuzzy: &Fuzzy,
    scratch: &mut FuzzyScratch,
) -> Option<f64> {
    /// What a letter that fits well is worth to [`Fuzzy`].
    const LETTER_WORTH: f64 = 64.0;
    if name == query {
        return Some(1.0);
    }
    if name.len() == folded.len() && name.to_lowercase() == *folded {
        return Some(0.95);
    }
    if name.starts_with(query) {
        return Some(0.75 + 0.15 * letters / name.chars().count() as f64);
    }
    let score = fuzzy.score(name, scratch)?;
    Some((f64::from(score) / (letters * LETTER_WORTH)).clamp(0.01, 0.74))
}

/// What a kind counts less than types and functions, which are looked for most.
fn weight(kind: SymbolKind) -> f64 {
    match kind {
        SymbolKind::Type | SymbolKind::Interface | SymbolKind::Function => 0.0,
        SymbolKind::Method | SymbolKind::Macro | SymbolKind::Constant | SymbolKind::Section => 0.004,
        SymbolKind::Module | SymbolKind::Variant => 0.006,
        SymbolKind::Field => 0.008,
    }
}

/// How many folders lie between two paths.
fn distance(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    let common = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count();
    1 + a.split('/').count() + b.split('/').count() - 2 * common
}

fn sort(hits: &mut [SymbolHit]) {
    hits.sort_by(|a, b| {
        let by_place =
            || (&a.path, a.symbol.line, a.symbol.column).cmp(&(&b.path, b.symbol.line, b.symbol.column));
        b.score.total_cmp(&a.score).then_with(by_place)
    });
}
