use crate::limits::*;
use crate::page::PagesBuilder;
use crate::{
    Extractor, FileKind, Fuzzy, Overlay, Pattern, PatternError, PatternKind, PatternOptions, TrigramQuery,
    decoded,
};

fn looked_for(text: &str, kind: PatternKind) -> Result<Pattern, PatternError> {
    Pattern::new(text, kind, PatternOptions::default())
}

#[test]
fn what_is_looked_for_is_bounded() {
    let regex = PatternKind::Regex;
    assert!(looked_for(&"a".repeat(PATTERN_BYTES_MAX), PatternKind::Literal).is_ok());
    let long = looked_for(&"a".repeat(PATTERN_BYTES_MAX + 1), PatternKind::Literal);
    assert_eq!(long.err(), Some(PatternError::TooLong));
    assert_eq!(looked_for("", regex).err(), Some(PatternError::Empty));
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    let depth = PATTERN_DEPTH_MAX as usize;
    assert!(looked_for(&nested(depth - 1), regex).is_ok());
    assert!(matches!(looked_for(&nested(depth + 1), regex), Err(PatternError::Syntax { .. })));
    let large = looked_for(r"(?:\pL{500}){500}", regex);
    let is_told = matches!(large, Err(PatternError::Syntax { .. }));
    assert!(is_told, "a program of more than {PATTERN_PROGRAM_BYTES_MAX} bytes");
}

#[test]
fn plans_are_bounded() {
    let class =
        |count: usize| format!("[{}]", (0..count).map(|at| char::from(b'A' + at as u8)).collect::<String>());
    let plan = |text: &str| looked_for(text, PatternKind::Regex).unwrap().query().clone();
    assert!(
        matches!(plan(&format!("x{}y", class(CLASS_LETTERS_MAX))), TrigramQuery::Or(all) if all.len() == CLASS_LETTERS_MAX)
    );
    assert_eq!(plan(&format!("x{}y", class(CLASS_LETTERS_MAX + 1))), TrigramQuery::All);
    let (few, many) = (class(8), class(CLASS_LETTERS_MAX));
    assert!(matches!(plan(&format!("x{few}{many}")), TrigramQuery::Or(all) if all.len() == WINDOW_TEXTS_MAX));
    assert_eq!(plan(&format!("x{}{many}", class(9))), TrigramQuery::All);
}

#[test]
fn files_are_bounded() {
    let bytes = vec![b'a'; FILE_BYTES_MAX as usize + 1];
    assert_eq!(decoded(&bytes), FileKind::TooLarge);
    assert!(matches!(decoded(&bytes[1..]), FileKind::Text(_)));
    let mut bytes = vec![b'a'; BINARY_LOOK_BYTES + 1];
    bytes[BINARY_LOOK_BYTES] = 0;
    assert!(matches!(decoded(&bytes), FileKind::Text(_)));
    bytes[BINARY_LOOK_BYTES - 1] = 0;
    assert_eq!(decoded(&bytes), FileKind::Binary);
}

#[test]
fn lines_are_bounded() {
    let pattern = looked_for("é", PatternKind::Literal).unwrap();
    let text = format!("{}{}", "ü".repeat(LINE_BYTES_MAX), "é".repeat(LINE_MATCHES_MAX + 1));
    let line = pattern.lines(text.as_bytes(), 9).lines.remove(0);
    assert!(line.text.len() <= LINE_BYTES_MAX && line.text.contains('é'), "{}", line.text.len());
    assert_eq!(line.matches.len(), LINE_MATCHES_MAX);
    assert_eq!(line.column, LINE_BYTES_MAX as u64 + 1);
    assert!(
        line.matches
            .iter()
            .all(|range| line.text.get(range.clone()).is_some_and(|text| text == "é" || text.is_empty()))
    );
}

#[test]
fn pages_are_bounded() {
    let mut builder = PagesBuilder::default();
    let mut extractor = Extractor::default();
    let text: Vec<u8> = (0..40_000_u32).flat_map(|number| number.to_be_bytes()).collect();
    builder.add(extractor.extract(&text));
    let pages = builder.finish();
    let longest = pages.pages.iter().map(Vec::len).max().unwrap();
    // A page ends with the list that goes over.
    assert!((PAGE_BYTES..PAGE_BYTES + 16).contains(&longest), "{longest}");
    // Numbers of documents fit what a list says of them.
    assert!(SEGMENT_DOCUMENTS_MAX < u32::MAX as usize / 2);
}

#[test]
fn typed_texts_are_bounded() {
    let mut overlay = Overlay::default();
    (0..OVERLAY_TEXTS_MAX).for_each(|number| overlay.put(&number.to_string(), "a"));
    assert_eq!(overlay.surplus(), None);
    overlay.put("one more", "a");
    assert!(overlay.edit("0", &[]));
    assert_eq!(overlay.surplus().as_deref(), Some("1"));
    let mut overlay = Overlay::default();
    overlay.put("long", &"a".repeat(OVERLAY_BYTES_MAX));
    assert_eq!(overlay.surplus(), None);
    overlay.put("more", "a");
    assert_eq!(overlay.surplus().as_deref(), Some("long"));
}

#[test]
fn names_are_bounded() {
    let long = "x".repeat(FUZZY_NAME_CHARS_MAX);
    assert!(Fuzzy::new("a").matches(&format!("a{}", &long[1..])).is_some());
    assert!(Fuzzy::new("a").matches(&format!("a{long}")).is_none());
    let word = "y".repeat(FUZZY_QUERY_CHARS_MAX);
    assert!(Fuzzy::new(&format!("{word}zzz")).matches(&word).is_some(), "the rest does not count");
    assert!(Fuzzy::new(&word).matches(&word[1..]).is_none());
}
