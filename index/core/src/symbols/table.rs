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
    names: Names,
    count: usize,
}

/// All names, by numbers that lie close together: a search looks at each of them.
#[derive(Default)]
struct Names {
    by_name: BTreeMap<Arc<str>, u32>,
    /// The letters that each has, folded: a name that lacks one of a query's needs no closer look. None of a free number.
    letters: Vec<u64>,
    named: Vec<Named>,
    free: Vec<u32>,
}

/// Where a name is defined; nowhere of a free number.
#[derive(Default)]
struct Named {
    name: Arc<str>,
    files: Vec<Arc<str>>,
}

impl Names {
    /// Notes that a name is defined in a file; the name as it is kept.
    fn put(&mut self, name: &Arc<str>, path: &Arc<str>) -> Arc<str> {
        let number = self.by_name.get(name).copied().unwrap_or_else(|| {
            let number = self.free.pop().unwrap_or_else(|| {
                self.letters.push(0);
                self.named.push(Named::default());
                u32::try_from(self.named.len() - 1).unwrap_or(u32::MAX)
            });
            self.letters[number as usize] = letters(name);
            self.named[number as usize].name = Arc::clone(name);
            self.by_name.insert(Arc::clone(name), number);
            number
        });
        let named = &mut self.named[number as usize];
        if named.files.last() != Some(path) {
            named.files.push(Arc::clone(path));
        }
        Arc::clone(&named.name)
    }

    /// A file defines a name no longer.
    fn remove(&mut self, name: &str, path: &str) {
        let Some(number) = self.by_name.get(name).copied() else { return };
        let named = &mut self.named[number as usize];
        named.files.retain(|file| **file != *path);
        if named.files.is_empty() {
            *named = Named::default();
            self.letters[number as usize] = 0;
            self.by_name.remove(name);
            self.free.push(number);
        }
    }

    /// The files that define a name.
    fn files(&self, name: &str) -> &[Arc<str>] {
        self.by_name.get(name).map_or(&[], |number| &self.named[*number as usize].files)
    }

    /// The names that have all of some letters.
    fn with(&self, wanted: u64) -> impl Iterator<Item = &Arc<str>> {
        let some =
            self.letters.iter().zip(&self.named).filter(move |(letters, _)| *letters & wanted == wanted);
        some.map(|(_, named)| named).filter(|named| !named.files.is_empty()).map(|named| &named.name)
    }
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
            symbol.name = self.names.put(&symbol.name, &path);
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
            self.names.remove(&symbol.name, path);
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
        let wanted = query.split_whitespace().fold(0, |wanted, word| wanted | letters(word));
        let enough = most.min(SYMBOL_MATCHES_MAX);
        let mut names = self.beginning(query, wanted);
        // What has the letters somewhere fits less well than any of these.
        if names.len() <= enough + 1 {
            names.extend(self.having(query, wanted));
        }
        let order =
            |a: &(f64, &Arc<str>), b: &(f64, &Arc<str>)| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1));
        // Each name has a symbol, so more of them than symbols are asked for need not be put in order.
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

    /// The names that are a query or begin with it, and how well each fits.
    fn beginning(&self, query: &str, wanted: u64) -> Vec<(f64, &Arc<str>)> {
        let folded = query.to_lowercase();
        let letters = letters_of(query);
        let fit = |name: &str| {
            if name == query {
                Some(1.0)
            } else if is_folded(name, &folded) {
                Some(0.95)
            } else {
                let rest = name.strip_prefix(query)?;
                Some(0.75 + 0.15 * letters / (letters + rest.chars().count() as f64))
            }
        };
        self.names.with(wanted).filter_map(|name| Some((fit(name)?, name))).collect()
    }

    /// The other names that have the letters of a query in their order, and how well each fits.
    fn having(&self, query: &str, wanted: u64) -> Vec<(f64, &Arc<str>)> {
        /// What a letter that fits well is worth to [`Fuzzy`].
        const LETTER_WORTH: f64 = 64.0;
        let (fuzzy, folded) = (Fuzzy::new(query), query.to_lowercase());
        let letters = letters_of(query);
        let mut scratch = FuzzyScratch::default();
        let mut all = Vec::new();
        for name in self.names.with(wanted) {
            if name.starts_with(query) || is_folded(name, &folded) {
                continue;
            }
            if let Some(score) = fuzzy.score(name, &mut scratch) {
                all.push(((f64::from(score) / (letters * LETTER_WORTH)).clamp(0.01, 0.74), name));
            }
        }
        all
    }

    fn collect(&self, name: &str, score: f64, hits: &mut Vec<SymbolHit>) {
        for path in self.names.files(name) {
            let of_name = self.outline(path).iter().filter(|symbol| *symbol.name == *name);
            hits.extend(of_name.map(|symbol| SymbolHit {
                path: Arc::clone(path),
                symbol: symbol.clone(),
                score,
            }));
        }
    }
}

fn letters_of(query: &str) -> f64 {
    query.chars().count().max(1) as f64
}

/// Whether a name is this one when the case of letters does not count.
fn is_folded(name: &str, folded: &str) -> bool {
    name.len() == folded.len()
        && if name.is_ascii() { name.eq_ignore_ascii_case(folded) } else { name.to_lowercase() == *folded }
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
