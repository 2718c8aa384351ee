//! Which trigrams a text must have to match a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::Trigram;
use crate::limits::{CLASS_LETTERS_MAX, WINDOW_TEXTS_MAX};

/// Documents that are so few that no more is asked of them before they are read.
const FEW: usize = 2;

/// What a text must have. A text that does not have it does not match; one that has it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrigramQuery {
    /// Nothing: every text may match.
    All,
    /// This.
    Has(Trigram),
    /// All of these.
    And(Vec<TrigramQuery>),
    /// One of these; of none, no text matches.
    Or(Vec<TrigramQuery>),
}

/// Documents by number, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Documents {
    /// Every document.
    All,
    /// These, ascending.
    Some(Vec<u32>),
}

impl TrigramQuery {
    /// What the lines of a text must have to match.
    #[must_use]
    pub fn of(expression: &Hir) -> Self {
        let mut places = Vec::new();
        lay_out(expression, &mut places);
        query_of(&places)
    }

    /// The documents that may match. `list` gives those that have a trigram, ascending.
    ///
    /// # Errors
    /// What `list` fails with.
    pub fn evaluate<E>(&self, list: &mut impl FnMut(Trigram) -> Result<Vec<u32>, E>) -> Result<Documents, E> {
        Ok(match self {
            Self::All => Documents::All,
            Self::Has(trigram) => Documents::Some(list(*trigram)?),
            Self::And(parts) => {
                let mut found = Documents::All;
                for part in parts {
                    found = match (found, part.evaluate(list)?) {
                        (Documents::All, other) | (other, Documents::All) => other,
                        (Documents::Some(a), Documents::Some(b)) => Documents::Some(both(&a, &b)),
                    };
                    // A few are read sooner than more lists.
                    if matches!(&found, Documents::Some(few) if few.len() <= FEW) {
                        break;
                    }
                }
                found
            }
            Self::Or(parts) => {
                let mut found = Vec::new();
                for part in parts {
                    match part.evaluate(list)? {
                        Documents::All => return Ok(Documents::All),
                        Documents::Some(more) => found.extend(more),
                    }
                }
                found.sort_unstable();
                found.dedup();
                Documents::Some(found)
            }
        })
    }

    /// Whether a text with these trigrams, ascending, may match.
    #[must_use]
    pub fn fits(&self, trigrams: &[Trigram]) -> bool {
        match self {
            Self::All => true,
            Self::Has(trigram) => trigrams.binary_search(trigram).is_ok(),
            Self::And(parts) => parts.iter().all(|part| part.fits(trigrams)),
            Self::Or(parts) => parts.iter().any(|part| part.fits(trigrams)),
        }
    }
}

/// What two ascending lists have in common. The shorter one is walked; the longer is searched in growing steps.
fn both(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (short, mut long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut common = Vec::new();
    for document in short {
        let mut step = 1;
        while step < long.len() && long[step] < *document {
            step *= 2;
        }
        let at = long[..long.len().min(step + 1)].partition_point(|other| other < document);
        long = &long[at..];
        if long.first() == Some(document) {
            common.push(*document);
        }
    }
    common
}

/// A place in what is looked for.
#[derive(Debug, Clone)]
enum Place {
    /// One of these texts stands here.
    Texts(Vec<Vec<u8>>),
    /// Something stands here, of which at most this is known.
    Other(TrigramQuery),
}

/// Lays an expression out as places that follow each other.
fn lay_out(expression: &Hir, places: &mut Vec<Place>) {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            places.extend(literal.0.iter().map(|byte| Place::Texts(vec![vec![*byte]])));
        }
        HirKind::Class(class) => places.push(match letters(class) {
            Some(texts) => Place::Texts(texts),
            None => Place::Other(TrigramQuery::All),
        }),
        HirKind::Capture(capture) => lay_out(&capture.sub, places),
        HirKind::Concat(parts) => parts.iter().for_each(|part| lay_out(part, places)),
        HirKind::Alternation(parts) => places.push(alternatives(parts)),
        HirKind::Repetition(repetition) => lay_out_repetition(repetition, places),
    }
}

fn lay_out_repetition(repetition: &Repetition, places: &mut Vec<Place>) {
    if repetition.min == 0 {
        places.push(Place::Other(TrigramQuery::All));
        return;
    }
    // What stands there once stands next to what is before the first and what is after the last.
    lay_out(&repetition.sub, places);
    if repetition.max == Some(1) {
        return;
    }
    places.push(Place::Other(TrigramQuery::All));
    lay_out(&repetition.sub, places);
}

/// The texts that a class stands for, if they are few.
fn letters(class: &Class) -> Option<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                if texts.len() + range.len() > CLASS_LETTERS_MAX {
                    return None;
                }
                texts.extend((range.start()..=range.end()).map(|char| char.to_string().into_bytes()));
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                if texts.len() + range.len() > CLASS_LETTERS_MAX {
                    return None;
                }
                texts.extend((range.start()..=range.end()).map(|byte| vec![byte]));
            }
        }
    }
    Some(texts)
}

/// Several expressions of which one stands here: as texts where they are few, else as what each needs.
fn alternatives(parts: &[Hir]) -> Place {
    let branches: Vec<Vec<Place>> = parts
        .iter()
        .map(|part| {
            let mut places = Vec::new();
            lay_out(part, &mut places);
            places
        })
        .collect();
    let texts: Option<Vec<Vec<u8>>> = branches.iter().try_fold(Vec::new(), |mut all, places| {
        all.extend(texts_of(places, CLASS_LETTERS_MAX)?);
        (all.len() <= CLASS_LETTERS_MAX).then_some(all)
    });
    // Short ones go together with what stands beside them; long ones say enough by themselves.
    match texts {
        Some(texts) => Place::Texts(texts),
        None => Place::Other(any(branches.iter().map(|places| query_of(places)).collect())),
    }
}

/// Every text that places stand for, if there are at most so many.
fn texts_of(places: &[Place], most: usize) -> Option<Vec<Vec<u8>>> {
    places.iter().try_fold(vec![Vec::new()], |texts, place| {
        let Place::Texts(next) = place else { return None };
        if texts.len() * next.len() > most {
            return None;
        }
        let join =
            |text: &Vec<u8>| next.iter().map(|more| [text.as_slice(), more].concat()).collect::<Vec<_>>();
        Some(texts.iter().flat_map(join).collect())
    })
}

/// What places need that follow each other.
fn query_of(places: &[Place]) -> TrigramQuery {
    let mut needs = Vec::new();
    for (start, place) in places.iter().enumerate() {
        match place {
            Place::Other(query) => needs.push(query.clone()),
            Place::Texts(_) => needs.extend(window(&places[start..])),
        }
    }
    all(needs)
}

/// What the first places need together: as many as always have three bytes.
fn window(places: &[Place]) -> Option<TrigramQuery> {
    let mut shortest = 0;
    for (index, place) in places.iter().enumerate() {
        let Place::Texts(texts) = place else { break };
        shortest += texts.iter().map(Vec::len).min().unwrap_or(0);
        if shortest >= 3 {
            let texts = texts_of(&places[..=index], WINDOW_TEXTS_MAX)?;
            return Some(any(texts.iter().map(|text| trigrams_of(text)).collect()));
        }
    }
    // The end is too short; but where it stands for texts that may be longer, one of them says something.
    None
}

fn trigrams_of(text: &[u8]) -> TrigramQuery {
    all(text.windows(3).map(|three| TrigramQuery::Has(Trigram::of([three[0], three[1], three[2]]))).collect())
}

fn all(mut parts: Vec<TrigramQuery>) -> TrigramQuery {
    parts.retain(|part| *part != TrigramQuery::All);
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        let inner = if let TrigramQuery::And(inner) = part { inner } else { vec![part] };
        inner.into_iter().for_each(|part| {
            if !flat.contains(&part) {
                flat.push(part);
            }
        });
    }
    match flat.len() {
        0 => TrigramQuery::All,
        1 => flat.remove(0),
        _ => TrigramQuery::And(flat),
    }
}

fn any(mut parts: Vec<TrigramQuery>) -> TrigramQuery {
    if parts.contains(&TrigramQuery::All) {
        return TrigramQuery::All;
    }
    let mut distinct: Vec<TrigramQuery> = Vec::with_capacity(parts.len());
    for part in parts.drain(..) {
        if !distinct.contains(&part) {
            distinct.push(part);
        }
    }
    if distinct.len() == 1 { distinct.remove(0) } else { TrigramQuery::Or(distinct) }
}
