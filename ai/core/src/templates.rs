//! What is wanted of a model in an edit, by name. Each is a text that a person can replace with one of their own.

/// What comes of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateKind {
    /// An answer in words.
    Words,
    /// A change of the lines that are meant.
    Change,
}

/// A template: `{text}` is what the person wrote besides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Its name, and that of the file which replaces it.
    pub name: &'static str,
    /// The text.
    pub text: &'static str,
    /// What comes of it where nothing else is said.
    pub kind: TemplateKind,
}

/// The templates that are there from the beginning.
pub const TEMPLATES: [Template; 6] = [
    Template {
        name: "generate",
        text: "Write what the comments and names in these lines announce. {text}",
        kind: TemplateKind::Change,
    },
    Template {
        name: "explain",
        text: "Keep the code as it is and add short comments that say why it does what it does. {text}",
        kind: TemplateKind::Words,
    },
    Template {
        name: "refactor",
        text: "Make these lines simpler and clearer without changing what they do. {text}",
        kind: TemplateKind::Change,
    },
    Template {
        name: "document",
        text: "Add documentation comments in the style of this language; keep the code as it is. {text}",
        kind: TemplateKind::Change,
    },
    Template {
        name: "test",
        text: "Keep these lines and add tests for them behind, in the style of this file. {text}",
        kind: TemplateKind::Change,
    },
    Template {
        name: "fix",
        text: "Find what is wrong in these lines and correct it; change nothing else. {text}",
        kind: TemplateKind::Change,
    },
];

/// The longest template that is read from a file.
pub const TEMPLATE_BYTES_MAX: u64 = 16 * 1024;

/// What a person's template says of its kind in its first line, `kind: words` or `kind: change`, and the text without that
/// line.
#[must_use]
pub fn kind_of(text: &str) -> (Option<TemplateKind>, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim() {
        "kind: words" => (Some(TemplateKind::Words), rest),
        "kind: change" => (Some(TemplateKind::Change), rest),
        _ => (None, text),
    }
}

/// Whether a name can be that of a template, and of a file.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    (1..=32).contains(&name.len()) && name.chars().all(is_letter)
}

/// The text of the template of this name that is there from the beginning.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|template| template.name == name).map(|template| template.text)
}

/// The same for a question, which is answered in words.
#[must_use]
pub fn built_in_for_questions(name: &str) -> Option<&'static str> {
    match name {
        "explain" => Some("Explain what this does, step by step, and why it is done this way. {text}"),
        _ => built_in(name),
    }
}

/// Puts what a person wrote into a template; at its end where it has no place for it.
#[must_use]
pub fn filled(template: &str, text: &str) -> String {
    let filled = if template.contains("{text}") {
        template.replacen("{text}", text, 1)
    } else {
        format!("{template} {text}")
    };
    filled.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_what_a_person_wrote() {
        assert_eq!(filled("Do {text} now.", "this"), "Do this now.");
        assert_eq!(filled("Do.", "This"), "Do. This");
        // What a person writes is not a template.
        assert_eq!(filled("a {text} b {text}", "{text}"), "a {text} b {text}");
        for template in TEMPLATES {
            assert!(is_name(template.name) && filled(template.text, "").len() > 20);
            assert!(template.text.len() as u64 <= TEMPLATE_BYTES_MAX);
        }
        for wrong in ["", "../x", "a/b", "A", &"a".repeat(33)] {
            assert!(!is_name(wrong), "{wrong}");
        }
        assert_eq!(kind_of("kind: words\r\nSay {text}"), (Some(TemplateKind::Words), "Say {text}"));
        assert_eq!(kind_of("kind: change"), (Some(TemplateKind::Change), ""));
        assert_eq!(kind_of("kind: odd\nSay"), (None, "kind: odd\nSay"));
        assert_eq!(built_in("unheard-of"), None);
        assert_ne!(built_in_for_questions("explain"), built_in("explain"));
        assert_eq!(built_in_for_questions("fix"), built_in("fix"));
    }
}
