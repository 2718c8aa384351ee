//! What lies above everything and takes the keys: the palette, quick open, and the choice of a theme.

use eframe::egui::{
    Align2, Area, Frame, Id, Key, Margin, Modifiers, Order, Rect, ScrollArea, Stroke, TextEdit, Ui, vec2,
};
use weft_editor::{
    AppCommand, Command,
    language::{LANGUAGES, PLAIN},
    window::{Fuzzy, QuickQuery},
};
use weft_node::api::SearchKind;

use super::Scene;
use crate::{
    action::Action,
    controls,
    link::FolderQuery,
    state::{Overlay, OverlayKind},
    strings, tokens,
};

/// Commands that have their keys already and are in no list of what can be done.
const LATER: [AppCommand; 10] = [
    AppCommand::ToggleTerminal,
    AppCommand::ShowGit,
    AppCommand::ShowProblems,
    AppCommand::RenameSymbol,
    AppCommand::QuickFix,
    AppCommand::Complete,
    AppCommand::Hover,
    AppCommand::Format,
    AppCommand::NextProblem,
    AppCommand::PreviousProblem,
];

/// A row of the list below the field.
struct Row {
    title: String,
    positions: Vec<usize>,
    /// Shown at the right, or behind the title.
    note: String,
    does: Vec<Action>,
}

pub(super) fn overlay_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(overlay) = &scene.state.overlay else { return };
    let (rows, empty) = rows(scene, overlay);
    let selected = overlay.selected.min(rows.len().saturating_sub(1));
    let mut next = overlay.clone();
    next.selected = selected;
    let (mut is_closed, mut is_chosen) = (false, false);
    let ctx = ui.ctx().clone();
    ctx.input_mut(|input| {
        let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
        is_closed = pressed(Key::Escape);
        is_chosen = pressed(Key::Enter);
        let last = rows.len().saturating_sub(1);
        if pressed(Key::ArrowDown) {
            next.selected = if selected >= last { 0 } else { selected + 1 };
        }
        if pressed(Key::ArrowUp) {
            next.selected = if selected == 0 { last } else { selected - 1 };
        }
        if pressed(Key::PageDown) {
            next.selected = (selected + tokens::OVERLAY_ROWS).min(last);
        }
        if pressed(Key::PageUp) {
            next.selected = selected.saturating_sub(tokens::OVERLAY_ROWS);
        }
    });
    let has_moved = next.selected != selected;
    let tokens = scene.tokens;
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(tokens::CARD_RADIUS)
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::same(tokens::GAP as i8));
    let area =
        Area::new(Id::unique("overlay")).order(Order::Foreground).anchor(Align2::CENTER_TOP, vec2(0.0, 56.0));
    let width = tokens::OVERLAY_WIDTH.min(ctx.content_rect().width() - 2.0 * tokens::SECTION_GAP);
    let shown = area.show(&ctx, |ui| {
        frame.show(ui, |ui| {
            ui.set_width(width);
            field_ui(ui, scene, &mut next);
            ui.add_space(tokens::STEP);
            list_ui(ui, scene, &rows, next.selected, has_moved, &empty)
        })
    });
    let clicked = shown.inner.inner;
    let is_elsewhere = ctx.input(|input| {
        let at = input.pointer.interact_pos();
        input.pointer.any_pressed() && at.is_some_and(|at| !shown.response.rect.contains(at))
    });
    if let Some(row) =
        clicked.or_else(|| is_chosen.then_some(next.selected)).and_then(|index| rows.into_iter().nth(index))
    {
        scene.actions.push(Action::ShowOverlay(None));
        for action in row.does {
            scene.actions.push(action);
        }
    } else if is_closed || is_elsewhere {
        scene.actions.push(Action::ShowOverlay(None));
    } else if next != *overlay {
        if next.query != overlay.query {
            next.selected = 0;
        }
        scene.actions.push(Action::ShowOverlay(Some(next)));
    }
}

fn field_ui(ui: &mut Ui, scene: &Scene<'_>, overlay: &mut Overlay) {
    let (name, hint) = match overlay.kind {
        OverlayKind::Palette => (strings::PALETTE, strings::PALETTE_HINT),
        OverlayKind::QuickOpen => (strings::QUICK_OPEN, strings::QUICK_OPEN_HINT),
        OverlayKind::Themes => (strings::THEMES, strings::THEMES),
        OverlayKind::Languages => (strings::LANGUAGES, strings::LANGUAGES),
    };
    let id = Id::unique("overlay field");
    let is_new = !ui.memory(|memory| memory.has_focus(id));
    let mut edit = TextEdit::singleline(&mut overlay.query)
        .id(id)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(8, 6))
        .hint_text(eframe::egui::RichText::new(hint).color(scene.tokens.faint))
        .show(ui);
    let (query, response) = (overlay.query.clone(), &edit.response.response);
    response.widget_info(|| {
        let mut info = eframe::egui::WidgetInfo::text_edit(true, query.clone(), query.clone(), hint);
        info.label = Some(name.to_owned());
        info
    });
    if is_new {
        response.request_focus();
        let end = eframe::egui::text::CCursor::new(overlay.query.chars().count());
        edit.state.cursor.set_char_range(Some(eframe::egui::text::CCursorRange::one(end)));
        edit.state.store(ui.ctx(), id);
    }
}

/// Draws the rows. Gives the one that was clicked.
fn list_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    rows: &[Row],
    selected: usize,
    has_moved: bool,
    empty: &str,
) -> Option<usize> {
    let tokens = scene.tokens;
    if rows.is_empty() {
        controls::paragraph(ui, tokens, empty);
        return None;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut clicked = None;
    let height = tokens::OVERLAY_ROWS as f32 * tokens::ROW;
    let mut scroll = ScrollArea::vertical()
        .id_salt("overlay rows")
        .max_height(height)
        .min_scrolled_height(height.min(rows.len() as f32 * tokens::ROW))
        .auto_shrink([false, true]);
    if has_moved {
        let seen = (selected as f32 + 1.0) * tokens::ROW - height / 2.0;
        scroll = scroll.vertical_scroll_offset(seen.max(0.0));
    }
    scroll.show_rows(ui, tokens::ROW, rows.len(), |ui, range| {
        for (index, row) in rows.iter().enumerate().take(range.end).skip(range.start) {
            let (rect, response) = controls::row(ui, tokens, &row.title, index == selected);
            let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
            let mut job = controls::marked(tokens, &row.title, &row.positions, tokens.text);
            job.wrap.max_width = inner.width();
            let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
            let used = galley.size().x;
            ui.painter().galley(inner.left_center() - vec2(0.0, galley.size().y / 2.0), galley, tokens.text);
            let font = tokens::font(tokens::SMALL_SIZE);
            let text = ui.painter().layout_no_wrap(row.note.clone(), font.clone(), tokens.muted);
            let room = inner.width() - used - tokens::PADDING;
            let left = inner.right() - text.size().x.min(room.max(0.0));
            let place = Rect::from_min_max(eframe::egui::pos2(left, rect.top()), inner.max);
            controls::line(ui, place, &row.note, font, tokens.muted);
            if response.clicked() {
                clicked = Some(index);
            }
        }
    });
    clicked
}

fn rows(scene: &Scene<'_>, overlay: &Overlay) -> (Vec<Row>, String) {
    let empty = strings::NO_MATCH.to_owned();
    match overlay.kind {
        OverlayKind::Palette => (commands(scene, &overlay.query), empty),
        OverlayKind::Themes => (themes(&overlay.query), empty),
        OverlayKind::Languages => languages(scene, &overlay.query),
        OverlayKind::QuickOpen => match QuickQuery::parse(&overlay.query) {
            QuickQuery::Command(query) => (commands(scene, &query), empty),
            QuickQuery::File { line, column, .. } => (files(scene, line, column), empty),
            QuickQuery::Line { line, column } => lines(scene, line, column),
            QuickQuery::Symbol(query) => (symbols(scene, &query), empty),
            QuickQuery::Text(text) => {
                (look_for("text", &text, SearchKind::Text), strings::SEARCH_EMPTY.to_owned())
            }
            QuickQuery::WorkspaceSymbol(name) => {
                (look_for("symbol", &name, SearchKind::Symbol), strings::SYMBOLS_EMPTY.to_owned())
            }
            QuickQuery::Meaning(words) => {
                (look_for("meaning", &words, SearchKind::Meaning), strings::MEANING_EMPTY.to_owned())
            }
        },
    }
}

fn commands(scene: &Scene<'_>, query: &str) -> Vec<Row> {
    let rows = scene.state.palette.rows(query, &scene.state.keys);
    let is_there = |command: Command| !matches!(command, Command::App(app) if LATER.contains(&app));
    let rows = rows.into_iter().filter(|row| is_there(row.info.command)).map(|row| Row {
        title: row.info.title.to_owned(),
        positions: row.positions,
        note: row.keys.unwrap_or_default(),
        does: vec![Action::Choose(row.info.command)],
    });
    rows.collect()
}

fn themes(query: &str) -> Vec<Row> {
    let fuzzy = Fuzzy::new(query);
    let all =
        [("As the system", "auto"), ("Dark", "dark"), ("Light", "light"), ("High contrast", "high-contrast")];
    let rows = all.into_iter().filter_map(|(title, id)| {
        let positions = fuzzy.matches(title)?.positions;
        Some(Row {
            title: title.to_owned(),
            positions,
            note: String::new(),
            does: vec![Action::SetTheme(id)],
        })
    });
    rows.collect()
}

/// The languages that the text which is shown can be treated as.
fn languages(scene: &Scene<'_>, query: &str) -> (Vec<Row>, String) {
    let active = scene.state.folder.as_ref().and_then(crate::state::Folder::active);
    let Some((document, _)) = active else { return (Vec::new(), strings::NO_FILE.to_owned()) };
    let fuzzy = Fuzzy::new(query);
    let row = |title: &str, id: Option<&'static str>| {
        let positions = fuzzy.matches(title)?.positions;
        let is_it = id == Some(document.language().id);
        let note = if is_it { strings::LANGUAGE_NOW } else { "" }.to_owned();
        Some(Row { title: title.to_owned(), positions, note, does: vec![Action::SetLanguage(id)] })
    };
    let known = LANGUAGES.iter().map(|language| (language.name, Some(language.id)));
    let rows = [(strings::LANGUAGE_BY_NAME, None), (PLAIN.name, Some(PLAIN.id))].into_iter();
    let rows = rows.chain(known).filter_map(|(title, id)| row(title, id)).collect();
    (rows, strings::NO_MATCH.to_owned())
}

fn files(scene: &Scene<'_>, line: Option<usize>, column: Option<usize>) -> Vec<Row> {
    let Some(folder) = &scene.state.folder else { return Vec::new() };
    let place =
        line.map(|line| (line.saturating_sub(1), column.map_or(0, |column| column.saturating_sub(1))));
    let rows = scene.state.ranking.best().iter().filter_map(|ranked| {
        let path = folder.names.get(ranked.index)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        // Only what was meant of the name is marked; the folder stands at the right.
        let skipped = path.chars().count() - name.chars().count();
        let positions = ranked.matched.positions.iter().filter_map(|at| at.checked_sub(skipped)).collect();
        let open = Action::OpenFile { path: path.clone(), is_preview: false, place };
        Some(Row { title: name.to_owned(), positions, note: parent.to_owned(), does: vec![open] })
    });
    rows.collect()
}

fn go_to(scene: &Scene<'_>, line: usize, column: usize) -> Option<Action> {
    let path = scene.state.folder.as_ref()?.active_path()?.to_owned();
    Some(Action::OpenFile { path, is_preview: false, place: Some((line, column)) })
}

fn lines(scene: &Scene<'_>, line: Option<usize>, column: Option<usize>) -> (Vec<Row>, String) {
    let active = scene.state.folder.as_ref().and_then(crate::state::Folder::active);
    let Some((document, _)) = active else { return (Vec::new(), strings::NO_FILE.to_owned()) };
    let count = document.buffer().len_lines();
    let hint = format!("Type a line from 1 to {count}");
    let Some(line) = line else { return (Vec::new(), hint) };
    let line = line.clamp(1, count);
    let column = column.unwrap_or(1).max(1);
    let row = go_to(scene, line - 1, column - 1).map(|action| Row {
        title: format!("Go to line {line}"),
        positions: Vec::new(),
        note: String::new(),
        does: vec![action],
    });
    (row.into_iter().collect(), hint)
}

fn symbols(scene: &Scene<'_>, query: &str) -> Vec<Row> {
    let active = scene.state.folder.as_ref().and_then(crate::state::Folder::active);
    let Some((document, _)) = active else { return Vec::new() };
    let Some(folder) = &scene.state.folder else { return Vec::new() };
    // The places are those of that text.
    let is_of_it = folder.outline.of.as_ref().is_some_and(|(path, version, _)| {
        folder.active_path() == Some(path.as_str()) && *version == document.version()
    });
    if !is_of_it {
        return Vec::new();
    }
    let fuzzy = Fuzzy::new(query);
    let rows = folder.outline.items.iter().filter_map(|item| {
        let positions = fuzzy.matches(&item.name)?.positions;
        let line = document.buffer().line_of(item.name_start).0;
        let column = item.name_start.0 - document.buffer().line_start(line.into()).0;
        let does = go_to(scene, line, column).into_iter().collect();
        Some(Row { title: item.name.clone(), positions, note: format!("line {}", line + 1), does })
    });
    rows.collect()
}

/// The one row that has the folder searched.
fn look_for(what: &str, text: &str, kind: SearchKind) -> Vec<Row> {
    if text.is_empty() {
        return Vec::new();
    }
    let query = FolderQuery { text: text.to_owned(), kind, ..FolderQuery::default() };
    vec![Row {
        title: format!("Search the folder for the {what} “{text}”"),
        positions: Vec::new(),
        note: String::new(),
        does: vec![Action::ShowSearch(true), Action::SearchFolder(query)],
    }]
}
