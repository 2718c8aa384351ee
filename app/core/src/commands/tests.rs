//! Triples: a text with cursors, keys, a text with cursors.
//!
//! `|` is a caret, `<abc>` a selection with the caret at its end, `<|abc>` one with the caret at its start; a backslash
//! before one of these signs means the sign itself. Keys are strokes with spaces between; `'abc'` types, `@id` runs a
//! command by its name.

mod cursors;
mod editing;
mod lines;
mod movement;
mod pointer;
mod random;

use crate::command::{self, Command};
use crate::commands::Clip;
use crate::document::{Document, Effect};
use crate::keymap::{Context, KeyMap, Platform, Resolution, Stroke};
use crate::language::Language;
use crate::selection::{Selection, Selections};
use crate::view::ViewId;

/// Reads a text with cursors.
fn read(marked: &str) -> (String, Selections) {
    let mut text = String::new();
    let mut all = Vec::new();
    let (mut at, mut open, mut is_reversed) = (0, None, false);
    let mut chars = marked.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' if chars.peek().is_some_and(|next| "|<>".contains(*next)) => {
                text.extend(chars.next());
                at += 1;
            }
            '|' if open == Some(at) => is_reversed = true,
            '|' => all.push(Selection::caret(at)),
            '<' => open = Some(at),
            '>' => {
                let start = open.take().expect("an opened selection");
                let ends = if is_reversed { (at, start) } else { (start, at) };
                all.push(Selection::new(ends.0, ends.1));
                is_reversed = false;
            }
            _ => {
                text.push(char);
                at += 1;
            }
        }
    }
    let last = all.len().saturating_sub(1);
    (text, Selections::new(all, last))
}

/// Writes a text with cursors.
fn write(text: &str, selections: &Selections) -> String {
    let mut out = String::new();
    let chars: Vec<char> = text.chars().collect();
    for at in 0..=chars.len() {
        for selection in selections.all() {
            if selection.end().0 == at && !selection.is_empty() {
                out.push('>');
            }
        }
        for selection in selections.all() {
            if selection.is_empty() && selection.head.0 == at {
                out.push('|');
            } else if selection.start().0 == at && !selection.is_empty() {
                out.push_str(if selection.is_reversed() { "<|" } else { "<" });
            }
        }
        if let Some(char) = chars.get(at) {
            if "|<>".contains(*char) {
                out.push('\\');
            }
            out.push(*char);
        }
    }
    out
}

/// A document under keys.
struct Player {
    document: Document,
    view: ViewId,
    keys: KeyMap,
    clip: Option<Clip>,
}

impl Player {
    fn new(marked: &str, language: &str) -> Self {
        let (text, selections) = read(marked);
        let mut document = Document::new(&text, 0);
        document.set_language(Language::by_id(language).expect("a language"));
        let view = document.add_view();
        document.select(view, &selections);
        Self { document, view, keys: KeyMap::new(Platform::Windows), clip: None }
    }

    fn context(&self) -> Context {
        let selections = self.document.view(self.view).unwrap().selections();
        let mut context = Context::default();
        context.set("editorTextFocus", true);
        context.set("editorHasMultipleSelections", selections.count() > 1);
        context.set("editorHasSelection", selections.all().iter().any(|one| !one.is_empty()));
        context
    }

    fn run(&mut self, command: Command) {
        let Command::Editor(command) = command else { panic!("{command:?} is for the window") };
        for effect in self.document.run(self.view, command) {
            match effect {
                Effect::Copy(clip) => self.clip = Some(clip),
                Effect::Paste => {
                    let clip = self.clip.clone().unwrap_or_default();
                    self.document.paste(self.view, &clip.text, Some(&clip));
                }
                Effect::Reveal | Effect::MoreGhost => {}
            }
        }
    }

    fn play(&mut self, keys: &str) {
        let mut pressed: Vec<Stroke> = Vec::new();
        for key in tokens(keys) {
            if let Some(text) = key.strip_prefix('\'').filter(|text| !text.is_empty()) {
                for char in text.chars() {
                    self.document.type_text(self.view, char.encode_utf8(&mut [0; 4]));
                }
                continue;
            }
            if let Some(id) = key.strip_prefix('@') {
                self.run(command::find(id).unwrap_or_else(|| panic!("no command {id}")).command);
                continue;
            }
            pressed.push(Stroke::parse(&key, Platform::Windows).unwrap());
            match self.keys.resolve(&pressed, &self.context()) {
                Resolution::Run(command) => {
                    pressed.clear();
                    self.run(command);
                }
                Resolution::More => {}
                Resolution::None => {
                    assert!(pressed.len() == 1 && key.chars().count() == 1, "{key} means nothing");
                    pressed.clear();
                    self.document.type_text(self.view, &key);
                }
            }
        }
        assert!(pressed.is_empty(), "{keys} ends within a chord");
    }

    fn shown(&self) -> String {
        let view = self.document.view(self.view).unwrap();
        write(&self.document.buffer().rope().to_string(), view.selections())
    }
}

/// Keys with spaces between; spaces in quotes belong to the text.
fn tokens(keys: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = keys.trim_start();
    while !rest.is_empty() {
        let end = if let Some(quoted) = rest.strip_prefix('\'') {
            let end = quoted.find('\'').map_or(rest.len(), |end| end + 1);
            tokens.push(rest[..end].to_owned());
            end + 1
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            end
        };
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    tokens
}

/// Checks triples, and that undo leads back to the text.
#[track_caller]
fn check_in(language: &str, triples: &[(&str, &str, &str)]) {
    for (before, keys, after) in triples {
        let mut player = Player::new(before, language);
        player.play(keys);
        assert_eq!(player.shown(), *after, "{keys} on {before:?}");
        while player.document.undo(player.view) {}
        assert_eq!(
            player.document.buffer().rope().to_string(),
            read(before).0,
            "undo of {keys} on {before:?}"
        );
    }
}

#[track_caller]
fn check(triples: &[(&str, &str, &str)]) {
    check_in("rust", triples);
}

#[test]
fn texts_with_cursors_are_read_and_written() {
    for marked in ["|", "a|b", "<ab>c", "<|ab>c", "a|b|c<d>", "a\\|b|\\<\\>"] {
        let (text, selections) = read(marked);
        assert_eq!(write(&text, &selections), marked);
    }
}
