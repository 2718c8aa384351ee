use rand::RngExt as _;
use weft_crdt::{CharIndex, Patch};

use super::Player;
use crate::command::{Command, commands};
use crate::document::Grain;
use crate::language::LANGUAGES;
use crate::limits::BRACKET_SCAN_CHARS_MAX;
use crate::selection::{Selection, Selections};
use crate::testing::{self, under_seeds};
use crate::text::{next_grapheme, previous_grapheme};
use crate::view::Scroll;

/// Every command on any text with any cursors: nothing panics, cursors stay in the text and on borders of graphemes,
/// and undo leads back.
#[test]
fn commands_take_any_text() {
    let editor: Vec<_> = commands()
        .iter()
        .filter_map(|info| match info.command {
            Command::Editor(command) => Some((info.id, command)),
            Command::App(_) => None,
        })
        .collect();
    under_seeds(400, |rng| {
        let text = testing::text(rng, 30);
        let length = text.chars().count();
        let language = LANGUAGES[rng.random_range(0..LANGUAGES.len())];
        let mut player = Player::new("|", language.id);
        player.document.reopened(&text, 1);
        if rng.random_bool(0.3) {
            player.document.set_wrap(player.view, Some(rng.random_range(0..12)));
        }
        let carets = (0..rng.random_range(1..4)).map(|_| {
            let border = |at: usize| {
                let rope = player.document.buffer().rope();
                previous_grapheme(rope, next_grapheme(rope, at))
            };
            Selection::new(border(rng.random_range(0..=length)), border(rng.random_range(0..=length)))
        });
        let selections = Selections::new(carets.collect(), 0);
        player.document.select(player.view, &selections);
        for _ in 0..8 {
            let (id, command) = editor[rng.random_range(0..editor.len())];
            if rng.random_bool(0.2) {
                let typed = testing::text(rng, 1);
                player.document.type_text(player.view, &typed);
            } else {
                player.run(Command::Editor(command));
            }
            let rope = player.document.buffer().rope().clone();
            let view = player.document.view(player.view).unwrap();
            for selection in view.selections().all() {
                assert!(selection.end().0 <= rope.len_chars(), "{id}");
            }
            let rows = view.rows();
            assert!(rows.count() > 0);
            let end = rows.visible(&rope, rows.count() - 1, 1);
            assert_eq!(end.len(), 1);
        }
        while player.document.undo(player.view) {}
        assert_eq!(player.document.buffer().rope().to_string(), text);
    });
}

/// Two views, edits of others, trees, folds and wrapped lines at once: everything stays in the text, and the scrolled
/// line stays where it is.
#[test]
fn everything_stays_in_step_while_others_type() {
    let editor: Vec<_> = commands()
        .iter()
        .filter_map(|info| if let Command::Editor(command) = info.command { Some(command) } else { None })
        .collect();
    under_seeds(200, |rng| {
        let language = LANGUAGES[rng.random_range(0..LANGUAGES.len())];
        let mut player = Player::new("|", language.id);
        player.document.reopened(&testing::text(rng, 40), 1);
        let other = player.document.add_view();
        player.document.set_wrap(other, rng.random_bool(0.5).then(|| rng.random_range(2..20)));
        let mut revision = 1;
        for _ in 0..15 {
            match rng.random_range(0..4) {
                0 => {
                    if player.document.outgoing().is_some() {
                        revision += 1;
                        player.document.acknowledged(revision);
                    }
                    let at = rng.random_range(0..=player.document.buffer().len_chars());
                    let top = player.document.view(other).unwrap().scroll().at;
                    let char = player.document.buffer().rope().get_char(top.0);
                    revision += 1;
                    let insert = testing::text(rng, 3);
                    let patch = Patch { at: CharIndex(at), delete: 0, insert };
                    player.document.changed(revision, &[patch]).unwrap();
                    let top = player.document.view(other).unwrap().scroll().at;
                    assert_eq!(player.document.buffer().rope().get_char(top.0), char);
                }
                1 => {
                    let at = CharIndex(rng.random_range(0..=player.document.buffer().len_chars()));
                    player.document.view_mut(other).unwrap().set_scroll(Scroll { at, rows: 0.0 });
                    player.document.click(other, at, Grain::Word, rng.random_bool(0.5));
                }
                2 => {
                    if let Some(job) = player.document.parse_job() {
                        player.document.parsed(job.run(&mut || false).unwrap());
                    }
                }
                _ => player.run(Command::Editor(editor[rng.random_range(0..editor.len())])),
            }
            let rope = player.document.buffer().rope();
            for view in [player.view, other] {
                let view = player.document.view(view).unwrap();
                assert!(view.selections().all().iter().all(|one| one.end().0 <= rope.len_chars()));
                let rows = view.rows().visible(rope, 0, usize::MAX);
                let lines: usize = rows.iter().map(|row| usize::from(row.is_first) + row.folded_lines).sum();
                assert_eq!(lines, rope.len_lines());
                player.document.highlights(rows[0].start..rows[rows.len() - 1].end);
            }
        }
    });
}

#[test]
fn brackets_are_looked_for_only_so_far() {
    for (inside, is_found) in [(BRACKET_SCAN_CHARS_MAX - 1, true), (BRACKET_SCAN_CHARS_MAX, false)] {
        let mut player = Player::new(&format!("|({})", "x".repeat(inside)), "rust");
        player.play("ctrl+shift+\\");
        let head = player.document.view(player.view).unwrap().selections().primary().head.0;
        assert_eq!(head, if is_found { inside + 1 } else { 0 });
    }
}
