//! What the tree needs to know of documents and people.

use crate::{DocumentId, OpId, Version};

/// Answers for the text documents of the workspace and for who wrote what.
///
/// Answers must be functions of what has been received and counts, so that every device computes the same tree.
pub trait DocumentFacts {
    /// Tells whether the document holds a counting change that is neither its first one, made from its base, nor
    /// among `seen` and what that builds upon. An empty `seen` asks whether it holds any such change.
    fn counting_beyond(&self, document: DocumentId, seen: &Version) -> bool;

    /// Gives the end of the document as this device shows it.
    fn heads(&self, document: DocumentId) -> Version;

    /// Says who wrote an operation of the tree document.
    fn author(&self, operation: &OpId) -> AuthorName;

    /// Says who wrote what [`DocumentFacts::counting_beyond`] found: of several the same one on every device.
    fn author_beyond(&self, document: DocumentId, seen: &Version) -> AuthorName;
}

/// Somebody whose name tells two versions of a file apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorName {
    /// What the person's certificate calls them; may hold anything.
    pub label: String,
    /// The hexadecimal digits of the user id.
    pub user: String,
}

/// Most characters of a label within a file name.
const LABEL_CHARS_MAX: usize = 32;
/// Digits of a user id that stand for a person without a usable label.
const USER_DIGITS: usize = 8;

impl AuthorName {
    /// Gives the label as a part of a file name: no separators, no control or direction characters, not long.
    pub fn name_part(&self) -> String {
        let kept: String = self
            .label
            .chars()
            .filter(|c| *c != '/' && !c.is_control() && !is_direction_mark(*c))
            .take(LABEL_CHARS_MAX)
            .collect();
        let trimmed = kept.trim();
        if trimmed.is_empty() { self.user.chars().take(USER_DIGITS).collect() } else { trimmed.to_owned() }
    }
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_parts_of_names() {
        let part = |label: &str| {
            let author = AuthorName { label: label.to_owned(), user: "0123456789abcdef".to_owned() };
            author.name_part()
        };
        assert_eq!(part("Ana"), "Ana");
        assert_eq!(part(" Ana/..\u{0}\n "), "Ana..");
        assert_eq!(part("a\u{202e}b\u{2066}c"), "abc");
        assert_eq!(part("/\u{7}"), "01234567");
        assert_eq!(part(&"ä".repeat(40)), "ä".repeat(32));
    }
}
