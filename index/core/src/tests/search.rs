use proptest::prelude::*;

use crate::{
    Documents, Extractor, FileKind, Overlay, Pattern, PatternError, PatternKind, PatternOptions, TextEdit,
    decoded,
};

const REGEX: PatternKind = PatternKind::Regex;

fn pattern(text: &str, kind: PatternKind, ignores_case: bool) -> Pattern {
    Pattern::new(text, kind, PatternOptions { ignores_case, whole_words: false }).unwrap()
}

fn numbers(pattern: &Pattern, text: &str) -> Vec<u64> {
    pattern.lines(text.as_bytes(), usize::MAX).lines.iter().map(|line| line.number).collect()
}

fn may_match(pattern: &Pattern, text: &str) -> bool {
    pattern.query().fits(&Extractor::default().sorted(text.as_bytes()))
}

#[test]
fn a_plan_needs_what_the_expression_needs() {
    let plan = |text: &str| format!("{:?}", pattern(text, REGEX, false).query());
    for (text, expected) in [
        ("abcd", "And([Has(Trigram(abc)), Has(Trigram(bcd))])"),
        ("ab", "All"),
        ("abc|xyz", "Or([Has(Trigram(abc)), Has(Trigram(xyz))])"),
        ("a[bc]d", "Or([Has(Trigram(abd)), Has(Trigram(acd))])"),
        ("abc.*def", "And([Has(Trigram(abc)), Has(Trigram(def))])"),
        ("(?:abc)?def", "Has(Trigram(def))"),
        ("(?:ab)+c", "Has(Trigram(abc))"),
        (r"\w{50,}", "All"),
        ("x*", "All"),
        ("^abc$", "Has(Trigram(abc))"),
    ] {
        assert_eq!(plan(text), expected, "{text}");
    }
}

#[test]
fn letters_of_any_case_are_found_in_all_their_forms() {
    let kelvin = pattern("kelvins", PatternKind::Literal, true);
    for text in ["kelvins", "KELVINS", "\u{212a}elvins", "kelvin\u{17f}", "KeLvInS"] {
        assert!(may_match(&kelvin, text), "{text}");
        assert_eq!(numbers(&kelvin, text), [1], "{text}");
    }
    assert!(!may_match(&kelvin, "celsius"));
    let umlaut = pattern("größe", PatternKind::Literal, true);
    assert!(may_match(&umlaut, "GRÖSSE GRÖẞE"));
    assert_eq!(numbers(&umlaut, "GRÖẞE"), [1]);
}

#[test]
fn nothing_is_found_across_lines() {
    for text in ["a\\nb", "a\nb"] {
        let error = Pattern::new(text, REGEX, PatternOptions::default()).err();
        assert_eq!(error, Some(PatternError::MultiLine), "{text:?}");
    }
    let error = Pattern::new("a\nb", PatternKind::Literal, PatternOptions::default()).err();
    assert_eq!(error, Some(PatternError::MultiLine));
    let error = Pattern::new("a(", REGEX, PatternOptions::default()).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("this is no regular expression: unclosed group"));
    assert_eq!(numbers(&pattern("a\\s+b", REGEX, false), "a\nb\na b\n"), [3]);
    assert_eq!(numbers(&pattern("^$", REGEX, false), "a\n\nb\n"), [2]);
}

#[test]
fn a_line_is_told_with_its_place() {
    let lines =
        pattern("ll", PatternKind::Literal, false).lines("one\nthé ball, a wall\r\n".as_bytes(), 10).lines;
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!((line.number, line.column, line.text.as_str()), (2, 7, "thé ball, a wall"));
    assert_eq!(line.matches, [7..9, 15..17]);
    assert_eq!(&"one\nthé ball, a wall\r\n"[line.at.clone()], "ll");
    assert!(pattern("l", PatternKind::Literal, false).lines(b"l\nl\n", 1).has_more);
    let words = PatternOptions { whole_words: true, ..PatternOptions::default() };
    let word = Pattern::new("all", PatternKind::Literal, words).unwrap();
    assert_eq!(numbers(&word, "ball\nall\n"), [2]);
}

#[test]
fn files_are_told_apart() {
    let text = |bytes: &[u8]| match decoded(bytes) {
        FileKind::Text(text) => String::from_utf8_lossy(&text).into_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(text(b"plain"), "plain");
    assert_eq!(text(b"\xef\xbb\xbfmarked"), "marked");
    assert_eq!(text(b"\xff\xfeh\0i\0"), "hi");
    assert_eq!(text(b"\xfe\xff\0h\0i"), "hi");
    assert_eq!(text(b"a\0b"), "Binary");
}

#[test]
fn what_is_typed_is_searched_as_it_is() {
    let mut overlay = Overlay::default();
    overlay.put("a.txt", "héllo");
    let edits =
        [TextEdit { range: 1..2, insert: "e".into() }, TextEdit { range: 5..5, insert: " you".into() }];
    assert!(overlay.edit("a.txt", &edits));
    assert_eq!(&*overlay.get("a.txt").unwrap(), b"hello you");
    assert!(!overlay.edit("b.txt", &edits));
    assert!(!overlay.edit("a.txt", &[TextEdit { range: 90..91, insert: String::new() }]));
    assert!(overlay.is_empty(), "a text that is not known any more is not held");
}

/// Expressions out of parts that make the plan's cases.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a", "b", "ab", "abc", "bca", "[ab]", "[a-c]", ".", r"\w", r"\s", "k", "s", "é", "ß", "", "^", "$",
        r"\b", "(?i)k", "(?i:ab)",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            inner.clone().prop_map(|part| format!("(?:{part})*")),
            inner.clone().prop_map(|part| format!("(?:{part})+")),
            inner.clone().prop_map(|part| format!("(?:{part})?")),
            inner.prop_map(|part| format!("(?:{part}){{2,3}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn the_plan_leaves_no_match_out(
        expression in expressions(),
        ignores_case in any::<bool>(),
        texts in prop::collection::vec("[abcABCkKsSéßK\u{17f} \n]{0,24}", 1..8),
    ) {
        let options = PatternOptions { ignores_case, whole_words: false };
        // Some of them are empty or too large, which is told.
        let Ok(pattern) = Pattern::new(&expression, REGEX, options) else { return Ok(()) };
        for text in &texts {
            let is_found = !pattern.lines(text.as_bytes(), 1).lines.is_empty();
            prop_assert!(!is_found || may_match(&pattern, text), "{:?} in {:?}: {:?}", expression, text, pattern.query());
        }
        let texts: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
        let sorted: Vec<_> = texts.iter().map(|text| Extractor::default().sorted(text)).collect();
        let list = |trigram| (0..).zip(&sorted).filter(|(_, has)| has.contains(&trigram)).map(|(index, _)| index).collect();
        let found = pattern.query().evaluate(&mut |trigram| Ok::<_, ()>(list(trigram))).unwrap();
        let fitting: Vec<u32> = (0..).zip(&sorted).filter(|(_, has)| pattern.query().fits(has)).map(|(index, _)| index).collect();
        match found {
            Documents::All => prop_assert_eq!(fitting.len(), texts.len()),
            // Few are left as they are before all is asked of them.
            Documents::Some(found) => prop_assert!(fitting.iter().all(|document| found.contains(document))),
        }
    }

    #[test]
    fn lines_are_those_of_a_plain_loop(expression in expressions(), text in "[abc ks\n]{0,40}") {
        let Ok(pattern) = Pattern::new(&expression, REGEX, PatternOptions::default()) else { return Ok(()) };
        let expression = regex::RegexBuilder::new(&expression).multi_line(true).build().unwrap();
        let lines = text.split_terminator('\n').enumerate();
        let expected: Vec<u64> =
            lines.filter(|(_, line)| expression.is_match(line)).map(|(index, _)| index as u64 + 1).collect();
        prop_assert_eq!(numbers(&pattern, &text), expected, "{:?}", text);
    }
}

#[test]
fn what_is_found_is_replaced_by_text_or_by_what_its_groups_found() {
    let replaced = |query: &str, kind, with: &str, text: &str| {
        let pattern = Pattern::new(query, kind, PatternOptions::default()).unwrap();
        let mut new = text.as_bytes().to_vec();
        let template = kind == PatternKind::Regex;
        for (range, with) in
            pattern.replacements(new.clone().as_slice(), with, template, 100).into_iter().rev()
        {
            new.splice(range, with);
        }
        String::from_utf8(new).unwrap()
    };
    assert_eq!(replaced("a.b", PatternKind::Literal, "$1", "a.b axb\na.b"), "$1 axb\n$1");
    let swapped = replaced(r"(\w+)=(?P<value>\w+)", PatternKind::Regex, "${value}:$1 $$", "ä=1 b=2\r\nc=3");
    assert_eq!(swapped, "1:ä $ 2:b $\r\n3:c $");
    assert_eq!(replaced("^", PatternKind::Regex, "> ", "a\n\nb\n"), "> a\n> \n> b\n");
    assert_eq!(replaced("$", PatternKind::Regex, ";", "a"), "a;");
    let pattern = Pattern::new("a", PatternKind::Literal, PatternOptions::default()).unwrap();
    assert_eq!(pattern.replacements(b"aaaa\naaaa", "b", false, 3).len(), 3);
}
