//! Makes harmless what others wrote.

use std::fmt::Write;

/// Is this a character that changes how a terminal or a reader takes what surrounds it, without being seen itself?
///
/// Controls (C0, DEL, C1), marks of the reading direction, line and paragraph separators, and invisible characters that
/// can hide text or make two names look alike. The joiners U+200C and U+200D stay: scripts and emoji need them.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// One line of text with everything unsafe written as an escape such as `\u{1b}`.
pub(crate) fn plain(text: &str) -> String {
    escape(text, |_| false)
}

/// Text of several lines: line feeds and tabs stay, everything else unsafe is escaped.
pub(crate) fn verbatim(text: &str) -> String {
    escape(&text.replace("\r\n", "\n"), |letter| matches!(letter, '\n' | '\t'))
}

fn escape(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if !is_unsafe(letter) || is_kept(letter) => escaped.push(letter),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ => escaped.extend(letter.escape_unicode()),
        }
    }
    escaped
}

/// JSON with everything unsafe in its strings escaped as `\u009b`: the same values, harmless on a terminal.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let mut units = [0; 2];
    for letter in json.chars() {
        if is_unsafe(letter) {
            for unit in letter.encode_utf16(&mut units) {
                // Writing to a string does not fail.
                let _always_fits = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::HOSTILE;

    #[test]
    fn nothing_unsafe_is_left_of_hostile_strings() {
        for text in HOSTILE {
            let shown = plain(text);
            assert!(!shown.chars().any(is_unsafe), "{text:?} → {shown:?}");
            assert_ne!(&shown, text, "{text:?} is in the list because it is not harmless");
            let several = verbatim(text);
            assert!(
                !several.chars().any(|letter| is_unsafe(letter) && !"\n\t".contains(letter)),
                "{several:?}"
            );
        }
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        for text in HOSTILE {
            let json = serde_json::to_string(text).expect("JSON");
            let escaped = escape_json(&json);
            assert!(!escaped.chars().any(is_unsafe), "{escaped:?}");
            assert_eq!(&serde_json::from_str::<String>(&escaped).expect("a string"), text);
        }
    }

    #[test]
    fn harmless_text_stays_as_it_is() {
        for text in ["src/main.rs", "Ünïcödé", "日本語", "👩‍👩‍👧", "می‌خواهم", "a\\b", "naïve café", "🏳️‍🌈"]
        {
            assert_eq!(plain(text), text);
            assert_eq!(verbatim(text), text);
        }
        assert_eq!(verbatim("a\r\n\tb\n"), "a\n\tb\n");
        assert_eq!(plain("a\n\tb\r"), "a\\n\\tb\\r");
    }
}
