//! What a model proposes: by file and hunk, with what was looked at in it.

use eframe::egui::{RichText, ScrollArea, Ui};
use weft_node::api::{AiCheck, AiHunk};

use super::{Scene, chat, diff};
use crate::{
    action::{Action, AiAction},
    controls,
    icons::Icon,
    state::{HunkState, Proposal, sentence},
    strings, tokens,
};

/// Lines around a change that are shown.
const CONTEXT_LINES: usize = 2;

pub(super) fn proposal_ui(ui: &mut Ui, scene: &mut Scene<'_>, turn: usize, proposal: &Proposal) {
    let tokens = scene.tokens;
    let made = &proposal.made;
    if made.hunks.is_empty() {
        controls::paragraph(ui, tokens, strings::NOTHING_PROPOSED);
    }
    for warning in &made.warnings {
        ui.label(RichText::new(sentence(warning)).color(tokens.warning));
    }
    let mut paths: Vec<&str> = made.hunks.iter().map(|hunk| hunk.path.as_str()).collect();
    paths.dedup();
    for path in paths {
        file_ui(ui, scene, turn, proposal, path);
    }
    if proposal.is_discarded {
        controls::paragraph(ui, tokens, strings::DISCARDED);
    } else if proposal.is_open() {
        answer_ui(ui, scene, turn, proposal);
    }
    let mut notes = vec![made.model.clone()];
    chat::shown_notes(&mut notes, &made.sources, made.left_out.as_deref());
    chat::notes_ui(ui, scene, &notes);
}

fn answer_ui(ui: &mut Ui, scene: &mut Scene<'_>, turn: usize, proposal: &Proposal) {
    ui.add_space(tokens::STEP);
    if proposal.accepting.is_some() {
        ui.spinner();
        return;
    }
    let (chosen, _) = proposal.chosen();
    ui.horizontal(|ui| {
        if chosen.is_empty() {
            controls::paragraph(ui, scene.tokens, strings::CHOOSE_CHANGES);
        } else if controls::primary_button(ui, scene.tokens, strings::ACCEPT_CHOSEN).clicked() {
            scene.actions.push(Action::Ai(AiAction::Accept(turn)));
        }
        if ui.button(strings::DISCARD).clicked() {
            scene.actions.push(Action::Ai(AiAction::Discard(turn)));
        }
    });
}

fn file_ui(ui: &mut Ui, scene: &mut Scene<'_>, turn: usize, proposal: &Proposal, path: &str) {
    let tokens = scene.tokens;
    controls::card(ui, tokens, |ui| {
        ui.label(RichText::new(path).font(tokens::strong(tokens::TEXT_SIZE)).color(tokens.text));
        for check in proposal.made.checks.iter().filter(|check| check.path == path) {
            check_ui(ui, scene, check);
        }
        for (index, hunk) in proposal.made.hunks.iter().enumerate().filter(|(_, hunk)| hunk.path == path) {
            ui.add_space(tokens::STEP);
            hunk_ui(ui, scene, (turn, index), proposal, hunk);
        }
    });
    ui.add_space(tokens::STEP);
}

fn check_ui(ui: &mut Ui, scene: &Scene<'_>, check: &AiCheck) {
    let tokens = scene.tokens;
    let (icon, color) =
        if check.passed { (Icon::Dot, tokens.success) } else { (Icon::Warning, tokens.warning) };
    ui.horizontal_wrapped(|ui| {
        controls::icon(ui, icon, color);
        let color = if check.passed { tokens.muted } else { tokens.warning };
        let text = RichText::new(sentence(&check.note)).font(tokens::font(tokens::SMALL_SIZE)).color(color);
        ui.label(text);
    });
}

fn hunk_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    (turn, index): (usize, usize),
    proposal: &Proposal,
    hunk: &AiHunk,
) {
    let tokens = scene.tokens;
    let place = format!("{}, line {}", hunk.path, hunk.line);
    match proposal.hunks.get(index) {
        Some(HunkState::Open(is_chosen)) if !proposal.is_discarded => {
            let mut is_chosen = *is_chosen;
            if controls::checkbox(ui, scene.tokens, &mut is_chosen, place).changed() {
                scene.actions.push(Action::Ai(AiAction::Choose { turn, hunk: index, is_chosen }));
            }
        }
        state => {
            let (word, color) = match state {
                Some(HunkState::Made) => (strings::HUNK_MADE, tokens.success),
                Some(HunkState::Outdated) => (strings::HUNK_OUTDATED, tokens.warning),
                _ => (strings::HUNK_LEFT, tokens.muted),
            };
            ui.label(RichText::new(format!("{place}: {word}")).color(color));
        }
    }
    let is_open = matches!(proposal.hunks.get(index), Some(HunkState::Open(_)));
    if let Some(doubt) = hunk.doubt.as_ref().filter(|_| is_open && !proposal.is_discarded) {
        ui.horizontal_wrapped(|ui| {
            controls::icon(ui, Icon::Warning, tokens.warning);
            let words = format!("{}: {doubt}", strings::HUNK_DOUBTFUL);
            let font = tokens::font(tokens::SMALL_SIZE);
            ui.label(RichText::new(words).font(font).color(tokens.warning));
        });
    }
    let (before, old, new, after) = parts(&hunk.old, &hunk.new);
    let id = ("hunk", turn, index);
    ScrollArea::horizontal().id_salt(id).auto_shrink([false, true]).show(ui, |ui| {
        diff::lines_ui(ui, tokens, before, ' ', tokens.muted);
        diff::lines_ui(ui, tokens, old, '−', tokens.error);
        diff::lines_ui(ui, tokens, new, '+', tokens.success);
        diff::lines_ui(ui, tokens, after, ' ', tokens.muted);
    });
}

/// The lines before a change, those that go, those that come, and those behind it.
fn parts<'a>(old: &'a str, new: &'a str) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |one: &[&str], two: &[&str]| one.iter().zip(two).take_while(|(one, two)| one == two).count();
    let first = same(&old, &new);
    let (old_rest, new_rest) = (&old[first..], &new[first..]);
    let behind = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(one, two)| one == two).count();
    let (old_end, new_end) = (old_rest.len() - behind, new_rest.len() - behind);
    (
        old[first.saturating_sub(CONTEXT_LINES)..first].to_vec(),
        old_rest[..old_end].to_vec(),
        new_rest[..new_end].to_vec(),
        old_rest[old_end..].iter().take(CONTEXT_LINES).copied().collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn what_stays_is_shown_around_what_changes() {
        let of = |old, new| {
            let (before, old, new, after) = parts(old, new);
            [before, old, new, after].map(|lines| lines.join("/"))
        };
        assert_eq!(of("a\nb\nc\nd\ne\n", "a\nb\nc\nx\ne\n"), ["b/c", "d", "x", "e"]);
        assert_eq!(of("", "x\ny\n"), ["", "", "x/y", ""]);
        assert_eq!(of("a\na\n", "a\n"), ["a", "a", "", ""]);
        assert_eq!(of("a\n", "a\n"), ["a", "", "", ""]);
    }
}
