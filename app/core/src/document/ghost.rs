//! Ghost text: what a model proposes at the caret. It is drawn and no part of the text until it is accepted.
//!
//! A question is asked at a place ([`Document::expect_ghost`]). Whatever is typed there from then on is compared with the
//! answers: what agrees with the beginning of one shortens it, anything else ends it.

use std::sync::Arc;

use weft_crdt::{CharIndex, Side};

use super::{Document, EditKind};
use crate::limits::{GHOST_ANSWERS_MAX, GHOST_CHARS_MAX};
use crate::text::{ChangeSet, CharClass, LineEnding, class_of};
use crate::view::ViewId;

/// How much of ghost text is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GhostPart {
    /// All of it.
    All,
    /// The next word, with the space before it.
    Word,
    /// The rest of the line; at its end the line end and the next one.
    Line,
}

/// Ghost text as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GhostText<'a> {
    /// Where it would be inserted.
    pub at: CharIndex,
    /// The text, with line feeds.
    pub text: &'a str,
    /// Which of the alternatives, from 0.
    pub index: usize,
    /// How many alternatives there are until now.
    pub count: usize,
}

/// A question at a place and its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ghost {
    view: ViewId,
    /// Names the question.
    number: u64,
    /// Where the caret must be.
    at: CharIndex,
    /// What was typed since the question.
    typed: String,
    /// Whole, as they came: each begins at the place of the question.
    answers: Vec<String>,
    /// The model of each.
    models: Vec<Arc<str>>,
    chosen: usize,
}

impl Ghost {
    fn rest(&self) -> Option<&str> {
        let rest = self.answers.get(self.chosen)?.strip_prefix(self.typed.as_str())?;
        (!rest.is_empty()).then_some(rest)
    }

    /// Follows an edit of this person in the same view. Tells whether something is left to propose.
    fn follow_own(&mut self, change: &ChangeSet) -> bool {
        let regions = change.regions();
        let [region] = regions.as_slice() else { return false };
        let kept = self.typed.chars().count().checked_sub(region.old.len());
        let Some(kept) = kept.filter(|_| region.old.end == self.at.0) else { return false };
        let end = self.typed.char_indices().nth(kept).map_or(self.typed.len(), |(at, _)| at);
        self.typed.truncate(end);
        self.typed.push_str(&region.text.replace("\r\n", "\n"));
        self.at = CharIndex(region.new.end);
        if self.answers.is_empty() || self.rest().is_some() {
            return true;
        }
        let fits = |answer: &String| answer.len() > self.typed.len() && answer.starts_with(&self.typed);
        let other = self.answers.iter().position(fits);
        self.chosen = other.unwrap_or(self.chosen);
        other.is_some()
    }

    /// Follows an edit of somebody else. Tells whether the place is as it was.
    fn follow_others(&mut self, change: &ChangeSet) -> bool {
        let at = self.at.0;
        let touches = |region: &crate::text::Region<'_>| region.old.start <= at && at <= region.old.end;
        if change.regions().iter().any(touches) {
            return false;
        }
        self.at = change.map(self.at, Side::Before);
        true
    }
}

impl Document {
    /// Ghost text was asked for at the caret of a view, under a number. `false` when there is not one caret without a
    /// selection.
    pub fn expect_ghost(&mut self, id: ViewId, number: u64) -> bool {
        let Some(at) = self.single_caret(id) else { return false };
        self.ghost = Some(Ghost {
            view: id,
            number,
            at,
            typed: String::new(),
            answers: Vec::new(),
            models: Vec::new(),
            chosen: 0,
        });
        true
    }

    /// An answer of a model came. `false` when it does not fit what was typed meanwhile, or was not asked for here.
    pub fn offer_ghost(&mut self, number: u64, text: &str, model: &str) -> bool {
        let Some(ghost) = self.ghost.as_ref().filter(|ghost| ghost.number == number) else { return false };
        let behind = self.rest_of_line(ghost.at);
        let text = cleaned(text, &behind);
        let Some(ghost) = &mut self.ghost else { return false };
        let fits = text.len() > ghost.typed.len() && text.starts_with(&ghost.typed);
        if fits && ghost.answers.len() < GHOST_ANSWERS_MAX {
            let known = ghost.answers.iter().position(|answer| *answer == text);
            ghost.chosen = known.unwrap_or(ghost.answers.len());
            if known.is_none() {
                ghost.answers.push(text);
                ghost.models.push(model.into());
            }
        }
        if ghost.answers.is_empty() {
            self.ghost = None;
        }
        fits
    }

    /// The ghost text of a view, as long as its caret is where it belongs.
    pub fn ghost(&self, id: ViewId) -> Option<GhostText<'_>> {
        let ghost = self.ghost.as_ref().filter(|ghost| ghost.view == id)?;
        let is_there = self.single_caret(id) == Some(ghost.at);
        let text = ghost.rest().filter(|_| is_there)?;
        Some(GhostText { at: ghost.at, text, index: ghost.chosen, count: ghost.answers.len() })
    }

    /// The number of the question whose answer is shown or waited for in a view; nothing when the caret has left.
    pub fn ghost_number(&self, id: ViewId) -> Option<u64> {
        let ghost = self.ghost.as_ref().filter(|ghost| ghost.view == id)?;
        (self.single_caret(id) == Some(ghost.at)).then_some(ghost.number)
    }

    /// What was typed since the question was asked.
    pub fn ghost_typed(&self, id: ViewId) -> Option<&str> {
        self.ghost(id)?;
        self.ghost.as_ref().map(|ghost| ghost.typed.as_str())
    }

    /// Ends it.
    pub fn drop_ghost(&mut self) {
        self.ghost = None;
    }

    /// Makes a part of the ghost text a part of the text, as written by its model. `false` when there is none.
    pub fn accept_ghost(&mut self, id: ViewId, part: GhostPart) -> bool {
        let Some(ghost) = self.ghost(id) else { return false };
        let piece = piece_of(ghost.text, part);
        let piece = match self.buffer.line_ending() {
            LineEnding::CrLf => piece.replace('\n', "\r\n"),
            LineEnding::Lf => piece.to_owned(),
        };
        let change = ChangeSet::replace(ghost.at, 0, &piece);
        let origin = self.ghost.as_ref().and_then(|ghost| ghost.models.get(ghost.chosen)).cloned();
        let is_done = self.edit_of(id, &change, None, EditKind::Whole, origin).is_ok();
        self.reveal(id);
        is_done
    }

    /// Shows the next alternative, or the one before. `false` when one more has to be asked for.
    pub fn turn_ghost(&mut self, id: ViewId, is_forward: bool) -> bool {
        if self.ghost(id).is_none() {
            return true;
        }
        let Some(ghost) = &mut self.ghost else { return true };
        let typed = &ghost.typed;
        let fits = |index: &usize| {
            ghost.answers[*index].starts_with(typed) && ghost.answers[*index].len() > typed.len()
        };
        let fitting: Vec<usize> = (0..ghost.answers.len()).filter(fits).collect();
        let here = fitting.iter().position(|index| *index == ghost.chosen).unwrap_or(0);
        let is_last = here + 1 >= fitting.len();
        if is_forward && is_last && ghost.answers.len() < GHOST_ANSWERS_MAX {
            return false;
        }
        let next = match is_forward {
            true if is_last => 0,
            true => here + 1,
            false => here.checked_sub(1).unwrap_or(fitting.len().saturating_sub(1)),
        };
        ghost.chosen = fitting.get(next).copied().unwrap_or(ghost.chosen);
        true
    }

    /// Counts edits that this person made by typing and by commands.
    pub fn own_edits(&self) -> u64 {
        self.own_edits
    }

    /// Tells whether the only caret of a view stands where this person edited last.
    pub fn is_at_last_edit(&self, id: ViewId) -> bool {
        self.last_edit.is_some_and(|(view, at)| view == id && self.single_caret(id) == Some(at))
    }

    /// The caret, when there is one alone and nothing is selected.
    fn single_caret(&self, id: ViewId) -> Option<CharIndex> {
        let selections = self.view(id)?.selections();
        let primary = selections.primary();
        (selections.count() == 1 && primary.is_empty()).then_some(primary.head)
    }

    fn rest_of_line(&self, at: CharIndex) -> String {
        let end = self.buffer.line_end(self.buffer.line_of(at));
        self.buffer.rope().get_slice(at.0..end.0.max(at.0)).map(|slice| slice.to_string()).unwrap_or_default()
    }

    pub(super) fn note_edit(&mut self, id: ViewId) {
        self.own_edits += 1;
        self.last_edit = self.view(id).map(|view| view.selections().primary()).map(|one| (id, one.head));
    }

    pub(super) fn follow_ghost(&mut self, change: &ChangeSet, own: Option<ViewId>) {
        if let Some((_, at)) = &mut self.last_edit {
            *at = change.map(*at, Side::Before);
        }
        let Some(ghost) = &mut self.ghost else { return };
        let stays = match own {
            None => ghost.follow_others(change),
            Some(view) => view == ghost.view && ghost.follow_own(change),
        };
        if !stays {
            self.ghost = None;
        }
    }
}

/// An answer without what stands behind the caret anyway, and not too long.
fn cleaned(text: &str, behind: &str) -> String {
    let text: String = text.replace("\r\n", "\n").chars().take(GHOST_CHARS_MAX).collect();
    let text = text.trim_end();
    let behind = behind.trim_end();
    let text = match behind.chars().next() {
        None => text,
        Some(closer @ (')' | ']' | '}' | '"' | '\'' | '`')) => up_to(text, closer),
        Some(_) if text.contains('\n') => text,
        Some(_) => text.strip_suffix(behind).unwrap_or(text),
    };
    text.to_owned()
}

/// A text up to the bracket or quotation mark that closes what was opened before it: that one stands behind the caret.
fn up_to(text: &str, closer: char) -> &str {
    let mut open = Vec::new();
    for (at, char) in text.char_indices() {
        match char {
            _ if char == closer && open.is_empty() => return &text[..at],
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            _ if open.last() == Some(&char) => drop(open.pop()),
            _ => {}
        }
    }
    text
}

fn piece_of(text: &str, part: GhostPart) -> &str {
    let start = text.find(|char: char| !char.is_whitespace()).unwrap_or(text.len());
    let end = match part {
        GhostPart::All => text.len(),
        GhostPart::Line => {
            let first = text.find(|char| char != '\n').unwrap_or(text.len());
            text[first..].find('\n').map_or(text.len(), |at| first + at)
        }
        GhostPart::Word => {
            let rest = &text[start..];
            let class = rest.chars().next().map_or(CharClass::Space, class_of);
            rest.find(|char| class_of(char) != class).map_or(text.len(), |at| start + at)
        }
    };
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::EditorCommand;
    use crate::selection::{Selection, Selections};
    use crate::text::Replacement;

    #[test]
    fn what_closes_behind_the_caret_is_not_closed_twice() {
        for (text, behind, rest) in [
            ("2 + sum);", ")", "2 + sum"),
            ("count()", ")", "count()"),
            ("count(a[0]))\n}", ")", "count(a[0])"),
            ("hello\");", "\")", "hello"),
            ("a]", ")", "a]"),
            ("|x| {\n    x }", "})", "|x| {\n    x }"),
            ("it;", ";", "it"),
            ("it;\nnext", ";", "it;\nnext"),
            ("it)", "", "it)"),
        ] {
            assert_eq!(cleaned(text, behind), rest, "{text:?} before {behind:?}");
        }
    }

    /// A document with `|` at the caret, and a question asked there.
    fn asked(text: &str) -> (Document, ViewId) {
        let at = text.chars().position(|char| char == '|').unwrap();
        let mut document = Document::new(&text.replacen('|', "", 1), 0);
        let view = document.add_view();
        document.select(view, &Selections::single(Selection::caret(at)));
        assert!(document.expect_ghost(view, 1));
        (document, view)
    }

    fn offered(text: &str, answer: &str) -> (Document, ViewId) {
        let (mut document, view) = asked(text);
        assert!(document.offer_ghost(1, answer, "tiny"));
        (document, view)
    }

    fn shown(document: &Document, view: ViewId) -> Option<&str> {
        document.ghost(view).map(|ghost| ghost.text)
    }

    fn text(document: &Document) -> String {
        document.buffer().rope().to_string()
    }

    #[test]
    fn what_is_typed_shortens_it_or_ends_it() {
        let rows: [(&[&str], Option<&str>); 7] = [
            (&[], Some("nswer + 1")),
            (&["n"], Some("swer + 1")),
            (&["ns", "wer"], Some(" + 1")),
            (&["nswer + 1"], None),
            (&["x"], None),
            (&["n", "x"], None),
            // A bracket is closed by itself: that is another text.
            (&["("], None),
        ];
        for (typed, left) in rows {
            let (mut document, view) = offered("let b = a|\n", "nswer + 1");
            typed.iter().for_each(|text| document.type_text(view, text));
            assert_eq!(shown(&document, view), left, "{typed:?}");
        }
    }

    #[test]
    fn an_answer_that_comes_late_fits_what_was_typed_or_is_dropped() {
        for (typed, answer, left) in [
            ("ns", "nswer", Some("wer")),
            ("ns", "dd()", None),
            ("ns", "ns", None),
            ("", "", None),
            ("", "  \n", None),
        ] {
            let (mut document, view) = asked("a|");
            document.type_text(view, typed);
            assert_eq!(document.offer_ghost(1, answer, "tiny"), left.is_some(), "{typed} {answer}");
            assert_eq!(shown(&document, view), left, "{typed} {answer}");
        }
        let (mut document, _) = asked("a|");
        assert!(!document.offer_ghost(2, "of another question", "tiny"));
    }

    #[test]
    fn taking_back_what_was_typed_makes_it_longer_again() {
        let (mut document, view) = offered("a|", "nswer");
        document.type_text(view, "ns");
        document.run(view, EditorCommand::Delete(crate::Motion::Left));
        assert_eq!(shown(&document, view), Some("swer"));
        document.run(view, EditorCommand::Delete(crate::Motion::Left));
        document.run(view, EditorCommand::Delete(crate::Motion::Left));
        assert_eq!(shown(&document, view), None, "the place of the question is gone");
    }

    #[test]
    fn it_follows_what_others_type_elsewhere() {
        let (mut document, view) = offered("one\nlet b = a|", "nswer");
        let patch = |at: usize, insert: &str| weft_crdt::Patch {
            at: CharIndex(at),
            delete: 0,
            insert: insert.to_owned(),
        };
        document.changed(1, &[patch(0, "// by Ben\n")]).unwrap();
        assert_eq!(shown(&document, view), Some("nswer"));
        document.accept_ghost(view, GhostPart::All);
        assert_eq!(text(&document), "// by Ben\none\nlet b = answer");
        let (mut document, view) = offered("let b = a|", "nswer");
        document.changed(1, &[patch(9, "x")]).unwrap();
        assert_eq!(shown(&document, view), None, "somebody else writes there");
    }

    #[test]
    fn it_is_accepted_by_words_and_lines_and_taken_back_with_one_undo() {
        let answer = " foo(bar)\n    baz\n}";
        for (part, pieces) in [
            (GhostPart::All, vec![" foo(bar)\n    baz\n}"]),
            (GhostPart::Line, vec![" foo(bar)", "\n    baz", "\n}"]),
            (GhostPart::Word, vec![" foo", "(", "bar", ")", "\n    baz", "\n}"]),
        ] {
            let (mut document, view) = offered("a|\n", answer);
            let mut before = "a".to_owned();
            for piece in pieces {
                assert!(document.accept_ghost(view, part));
                before.push_str(piece);
                assert_eq!(text(&document), format!("{before}\n"), "{part:?}");
            }
            assert!(!document.accept_ghost(view, part), "all of it is there");
        }
        let (mut document, view) = offered("a|\n", answer);
        document.accept_ghost(view, GhostPart::All);
        document.undo(view);
        assert_eq!(text(&document), "a\n");
    }

    #[test]
    fn what_is_accepted_is_sent_as_its_models_and_what_is_typed_is_not() {
        let (mut document, view) = offered("a|\n", "nswer + 1");
        let sent = |document: &mut Document| -> Vec<(String, Option<String>)> {
            let mut sent = Vec::new();
            while let Some(outgoing) = document.outgoing() {
                let text = outgoing.edits.iter().map(|edit| edit.insert.as_str()).collect();
                sent.push((text, outgoing.model.map(|model| model.to_string())));
                document.acknowledged(outgoing.revision + 1);
            }
            sent
        };
        let part = |text: &str, model: Option<&str>| (text.to_owned(), model.map(str::to_owned));
        document.type_text(view, "n");
        document.type_text(view, "s");
        document.accept_ghost(view, GhostPart::Word);
        document.accept_ghost(view, GhostPart::All);
        document.type_text(view, ";");
        assert_eq!(text(&document), "answer + 1;\n");
        assert_eq!(sent(&mut document), [part("ns", None), part("wer + 1", Some("tiny")), part(";", None)]);
        // Taking back is the person's, doing again the model's.
        document.undo(view);
        document.undo(view);
        document.undo(view);
        assert_eq!((text(&document).as_str(), sent(&mut document).len()), ("ans\n", 1));
        document.redo(view);
        assert_eq!(sent(&mut document), [part("wer", Some("tiny"))]);
        // What others do meanwhile moves all of it, and what is refused is sent again by its author.
        document.redo(view);
        document.type_text(view, "!");
        let first = document.outgoing().unwrap();
        assert_eq!((first.model.as_deref(), first.edits[0].at), (Some("tiny"), CharIndex(6)));
        let patch = weft_crdt::Patch { at: CharIndex(0), delete: 0, insert: "by Ben ".to_owned() };
        document.changed(first.revision + 1, &[patch]).unwrap();
        document.refused();
        let again = document.outgoing().unwrap();
        assert_eq!((again.model.as_deref(), again.edits[0].at), (Some("tiny"), CharIndex(13)));
        document.acknowledged(again.revision + 1);
        assert_eq!(sent(&mut document), [part("!", None)]);
        assert_eq!(text(&document), "by Ben answer + 1!\n");
    }

    #[test]
    fn line_ends_are_those_of_the_text() {
        let (mut document, view) = offered("a\r\nb|\r\n", "c\nd\ne");
        document.accept_ghost(view, GhostPart::Line);
        document.accept_ghost(view, GhostPart::Line);
        assert_eq!((text(&document).as_str(), shown(&document, view)), ("a\r\nbc\r\nd\r\n", Some("\ne")));
    }

    #[test]
    fn what_stands_behind_the_caret_is_not_proposed_again() {
        let (document, view) = offered("call(|);\n", "first, second);");
        assert_eq!(shown(&document, view), Some("first, second"));
    }

    #[test]
    fn moving_away_hides_it_and_several_cursors_have_none() {
        let (mut document, view) = offered("ab|c", "x");
        document.select(view, &Selections::single(Selection::caret(0)));
        assert_eq!((shown(&document, view), document.ghost_number(view)), (None, None));
        document.select(view, &Selections::single(Selection::new(0, 2)));
        assert!(!document.expect_ghost(view, 2), "something is selected");
        let two = Selections::new(vec![Selection::caret(0), Selection::caret(2)], 0);
        document.select(view, &two);
        assert!(!document.expect_ghost(view, 2));
    }

    #[test]
    fn alternatives_are_turned_through_and_asked_for_up_to_a_number() {
        let (mut document, view) = offered("|", "one");
        let mut known = vec!["one".to_owned()];
        while known.len() < GHOST_ANSWERS_MAX {
            assert!(!document.turn_ghost(view, true), "one more is wanted");
            let next = format!("other {}", known.len());
            assert!(document.offer_ghost(1, &next, "tiny"));
            assert_eq!(shown(&document, view), Some(next.as_str()));
            known.push(next);
        }
        assert!(document.turn_ghost(view, true), "no more than that");
        assert_eq!(shown(&document, view), Some("one"));
        assert!(document.turn_ghost(view, false));
        assert_eq!(shown(&document, view), known.last().map(String::as_str));
        document.type_text(view, "other");
        assert!(document.turn_ghost(view, true));
        assert_eq!(shown(&document, view), Some(" 1"), "those that fit no more are passed over");
    }

    #[test]
    fn a_very_long_answer_is_cut() {
        let (document, view) = offered("|", &"ä".repeat(GHOST_CHARS_MAX + 1));
        assert_eq!(shown(&document, view).map(|text| text.chars().count()), Some(GHOST_CHARS_MAX));
    }

    #[test]
    fn the_caret_is_at_the_last_edit_until_it_moves() {
        let (mut document, view) = asked("one\n|");
        assert!(!document.is_at_last_edit(view));
        document.type_text(view, "x");
        let patch = weft_crdt::Patch { at: CharIndex(0), delete: 0, insert: "by Ben ".to_owned() };
        document.changed(1, &[patch]).unwrap();
        assert_eq!((document.own_edits(), document.is_at_last_edit(view)), (1, true));
        document.select(view, &Selections::single(Selection::caret(0)));
        assert!(!document.is_at_last_edit(view));
    }

    #[test]
    fn nothing_panics_whatever_is_typed_and_answered() {
        use rand::RngExt as _;
        crate::testing::under_seeds(300, |rng| {
            let mut document = Document::new(&crate::testing::text(rng, 12), 0);
            let view = document.add_view();
            for number in 0..20 {
                let length = document.buffer().len_chars();
                match rng.random_range(0..7) {
                    0 => {
                        let at = rng.random_range(0..=length);
                        document.select(view, &Selections::single(Selection::caret(at)));
                    }
                    1 => drop(document.expect_ghost(view, number)),
                    2 => {
                        let of = document.ghost_number(view).unwrap_or(0);
                        document.offer_ghost(of, &crate::testing::text(rng, 6), "tiny");
                    }
                    3 => document.type_text(view, &crate::testing::text(rng, 2)),
                    4 => {
                        let part = [GhostPart::All, GhostPart::Word, GhostPart::Line][rng.random_range(0..3)];
                        document.accept_ghost(view, part);
                    }
                    5 => drop(document.turn_ghost(view, rng.random_bool(0.5))),
                    _ => {
                        let start = rng.random_range(0..=length);
                        let end = rng.random_range(start..=length);
                        let piece = Replacement::new(start, end, crate::testing::text(rng, 2));
                        let change = ChangeSet::from_replacements([piece]);
                        document.edit(view, &change, None, EditKind::Whole).unwrap();
                    }
                }
                if let Some(ghost) = document.ghost(view) {
                    assert!(ghost.at.0 <= document.buffer().len_chars() && !ghost.text.is_empty());
                }
            }
        });
    }
}
