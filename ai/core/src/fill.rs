//! The prompt that completes text at a cursor.
//!
//! The order is that of llama.cpp's server for models that were taught to fill in the middle: other files first, then
//! what stands before the cursor, then what stands behind it. So the beginning stays the same while somebody types, and
//! what was computed for it is used again. A model that was not taught that reads only what stands before.

use crate::{batching::Token, request::Fill};

/// The tokens that a model knows for filling in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillTokens {
    /// Before the prefix.
    pub prefix: Token,
    /// Before the suffix.
    pub suffix: Token,
    /// Before what is to be filled in.
    pub middle: Token,
    /// Before the name of the repository.
    pub repository: Option<Token>,
    /// Before the name of a file.
    pub file: Option<Token>,
}

/// A model's vocabulary, as far as prompts need it.
pub trait Vocabulary {
    /// The tokens of a text. Control tokens written in it are text.
    fn tokens(&self, text: &str) -> Vec<Token>;
    /// The tokens for filling in the middle.
    fn fill(&self) -> Option<FillTokens>;
    /// What every sequence begins with.
    fn beginning(&self) -> Option<Token>;
}

/// A prompt under a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillPrompt {
    /// What the model reads.
    pub tokens: Vec<Token>,
    /// What had no room, in words.
    pub left_out: Option<String>,
}

/// Parts of the budget that are kept free for what stands behind the cursor,
const SUFFIX_PART: usize = 4;
/// and for other files, where there are any; text before the cursor gets the rest, and each what the others do not need.
const SNIPPETS_PART: usize = 4;
/// Text that has no room goes in pieces of this part of the room, so that the beginning stays the same while somebody types.
const PIECE_PART: usize = 8;

/// Builds the prompt for `fill` with at most `budget` tokens.
///
/// The text next to the cursor is kept, and what is left out is said.
#[must_use]
pub fn prompt(fill: &Fill, vocabulary: &dyn Vocabulary, budget: usize) -> FillPrompt {
    match vocabulary.fill() {
        Some(special) => in_the_middle(fill, vocabulary, special, budget),
        None => at_the_end(fill, vocabulary, budget),
    }
}

fn in_the_middle(fill: &Fill, vocabulary: &dyn Vocabulary, special: FillTokens, budget: usize) -> FillPrompt {
    let mut cut = Cut::default();
    let named = special.file.filter(|_| !fill.snippets.is_empty() || special.repository.is_some());
    let head = named.map(|_| vocabulary.tokens("workspace\n"));
    let name = named.map(|_| vocabulary.tokens(&format!("{}\n", fill.name)));
    let frame = head.as_ref().map_or(0, Vec::len) + name.as_ref().map_or(0, Vec::len);
    // The control tokens, and the beginning of the sequence.
    let budget = budget.saturating_sub(8 + frame).max(2);
    let (prefix, suffix) = (vocabulary.tokens(&fill.prefix), vocabulary.tokens(&fill.suffix));
    // Each side may have what the other does not need.
    let suffix_room = (budget / SUFFIX_PART).max((budget / SUFFIX_PART * 3).saturating_sub(prefix.len()));
    let suffix = &suffix
        [..suffix.len().min(suffix_room).min(cut.note("text behind the cursor", suffix.len(), suffix_room))];
    let room = budget - suffix.len();
    let snippets_room = (budget / SNIPPETS_PART).max(room.saturating_sub(prefix.len()));
    let snippets = snippets(fill, vocabulary, special.file, snippets_room, &mut cut);
    let kept = cut.kept("text before the cursor", prefix.len(), room.saturating_sub(snippets.len()));
    let prefix = &prefix[prefix.len() - kept..];
    let mut tokens: Vec<Token> = vocabulary.beginning().into_iter().collect();
    if let Some(repository) = special.repository.filter(|_| named.is_some()) {
        tokens.push(repository);
        tokens.extend(head.into_iter().flatten());
    }
    tokens.extend(snippets);
    if let (Some(file), Some(name)) = (named, name) {
        tokens.push(file);
        tokens.extend(name);
    }
    tokens.push(special.prefix);
    tokens.extend_from_slice(prefix);
    tokens.push(special.suffix);
    tokens.extend_from_slice(suffix);
    tokens.push(special.middle);
    FillPrompt { tokens, left_out: cut.words() }
}

fn at_the_end(fill: &Fill, vocabulary: &dyn Vocabulary, budget: usize) -> FillPrompt {
    let mut cut = Cut::default();
    let budget = budget.saturating_sub(1).max(1);
    let prefix = vocabulary.tokens(&fill.prefix);
    let snippets_room = (budget / SNIPPETS_PART).max(budget.saturating_sub(prefix.len()));
    let snippets = snippets(fill, vocabulary, None, snippets_room, &mut cut);
    let kept = cut.kept("text before the cursor", prefix.len(), budget.saturating_sub(snippets.len()));
    let mut tokens: Vec<Token> = vocabulary.beginning().into_iter().collect();
    tokens.extend(snippets);
    tokens.extend_from_slice(&prefix[prefix.len() - kept..]);
    FillPrompt { tokens, left_out: cut.words() }
}

/// Whole snippets as far as there is room, the last first, in their order.
fn snippets(
    fill: &Fill,
    vocabulary: &dyn Vocabulary,
    file: Option<Token>,
    mut room: usize,
    cut: &mut Cut,
) -> Vec<Token> {
    let mut kept = Vec::new();
    for snippet in fill.snippets.iter().rev() {
        let mut tokens: Vec<Token> = file.into_iter().collect();
        let text = if file.is_some() {
            format!("{}\n{}\n", snippet.name, snippet.text)
        } else {
            format!("{}\n\n", snippet.text)
        };
        tokens.extend(vocabulary.tokens(&text));
        if tokens.len() > room {
            cut.snippets += 1;
            continue;
        }
        room -= tokens.len();
        kept.push(tokens);
    }
    kept.into_iter().rev().flatten().collect()
}

#[derive(Default)]
struct Cut {
    parts: Vec<String>,
    snippets: usize,
}

impl Cut {
    /// Gives the room back, and notes when it is too small.
    fn note(&mut self, what: &str, tokens: usize, room: usize) -> usize {
        if tokens > room {
            self.parts.push(format!("{} tokens of the {what}", tokens - room));
        }
        room
    }

    /// How many of the last tokens are kept; what goes, goes in pieces.
    fn kept(&mut self, what: &str, tokens: usize, room: usize) -> usize {
        let over = tokens.saturating_sub(room);
        let gone = over.next_multiple_of((room / PIECE_PART).max(1)).min(tokens);
        let kept = if over == 0 { tokens } else { tokens - gone };
        self.note(what, tokens, kept);
        kept
    }

    fn words(mut self) -> Option<String> {
        match self.snippets {
            0 => {}
            1 => self.parts.push("1 other piece of text".to_owned()),
            count => self.parts.push(format!("{count} other pieces of text")),
        }
        (!self.parts.is_empty()).then(|| self.parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Snippet;

    /// One token for each letter; control tokens above them.
    struct Letters(bool);

    impl Vocabulary for Letters {
        fn tokens(&self, text: &str) -> Vec<Token> {
            text.bytes().map(|byte| Token(i32::from(byte))).collect()
        }

        fn fill(&self) -> Option<FillTokens> {
            self.0.then_some(FillTokens {
                prefix: Token(300),
                suffix: Token(301),
                middle: Token(302),
                repository: None,
                file: Some(Token(303)),
            })
        }

        fn beginning(&self) -> Option<Token> {
            None
        }
    }

    fn shown(tokens: &[Token]) -> String {
        let names = ["<pre>", "<suf>", "<mid>", "<file>"];
        let show = |token: &Token| match token.0 {
            letter @ ..=255 => char::from(u8::try_from(letter).expect("a letter")).to_string(),
            control => names[(control - 300) as usize].to_owned(),
        };
        tokens.iter().map(show).collect()
    }

    fn fill(prefix: &str, suffix: &str) -> Fill {
        let snippet = |name: &str, text: &str| Snippet { name: name.into(), text: text.into() };
        Fill {
            name: "a.rs".into(),
            prefix: prefix.into(),
            suffix: suffix.into(),
            snippets: vec![snippet("b", "far"), snippet("c", "near")],
            budget_tokens: 0,
        }
    }

    #[test]
    fn everything_stands_in_its_place() {
        let built = prompt(&fill("fn f(", ") {}"), &Letters(true), 100);
        assert_eq!(shown(&built.tokens), "<file>b\nfar\n<file>c\nnear\n<file>a.rs\n<pre>fn f(<suf>) {}<mid>");
        assert_eq!(built.left_out, None);
        let built = prompt(&fill("fn f(", ") {}"), &Letters(false), 100);
        assert_eq!(shown(&built.tokens), "far\n\nnear\n\nfn f(");
    }

    #[test]
    fn what_has_no_room_is_said_and_what_stands_near_is_kept() {
        let built = prompt(&fill("0123456789abcdefghij", "ABCDEFGHIJ"), &Letters(true), 39);
        assert_eq!(shown(&built.tokens), "<file>a.rs\n<pre>89abcdefghij<suf>ABCD<mid>");
        assert!(built.tokens.len() <= 39);
        let said = "6 tokens of the text behind the cursor, 8 tokens of the text before the cursor, 2 other pieces of text";
        assert_eq!(built.left_out.as_deref(), Some(said));
        let built = prompt(&fill("0123456789", ""), &Letters(false), 7);
        assert_eq!(shown(&built.tokens), "456789");
        assert!(built.tokens.len() <= 7);
    }

    #[test]
    fn other_files_have_room_beside_a_long_text_whose_beginning_stays() {
        let letters = "abcdefgh".repeat(40);
        let (mut starts, mut shortest) = (std::collections::BTreeSet::new(), usize::MAX);
        for typed in 0..60 {
            let built = prompt(&fill(&letters[..200 + typed], "\n"), &Letters(true), 120);
            assert!(built.tokens.len() <= 120);
            let shown = shown(&built.tokens);
            assert!(shown.contains("<file>c\nnear\n"), "{shown}");
            let prefix = shown.split("<pre>").nth(1).and_then(|rest| rest.split("<suf>").next());
            let kept = prefix.map_or(0, str::len);
            starts.insert(200 + typed - kept);
            shortest = shortest.min(kept);
        }
        assert!(starts.len() <= 8, "it moves in pieces: {starts:?}");
        assert!(shortest > 50, "{shortest}");
    }

    #[test]
    fn the_beginning_stays_while_somebody_types() {
        let (one, two) = (
            prompt(&fill("let x", "\n"), &Letters(true), 200),
            prompt(&fill("let x = 1", "\n"), &Letters(true), 200),
        );
        let same = one.tokens.iter().zip(&two.tokens).take_while(|(one, two)| one == two).count();
        assert_eq!(shown(&one.tokens[..same]), "<file>b\nfar\n<file>c\nnear\n<file>a.rs\n<pre>let x");
    }
}
