//! What the pointer does in a text.

use eframe::egui::{Event, Pos2, Response, Ui};
use weft_editor::{AppCommand, Command, EditorCommand, Grain};

use super::{EditorScene, EditorWidget, Places, gutter, rows::ShownRow, scroll_bar, wheel};
use crate::{
    action::{Action, Actions, EditorAction},
    tokens,
};

/// Clicks that follow each other within this time, in seconds, and within this distance count together.
const CLICK_TIME: f64 = 0.4;
const CLICK_DISTANCE: f32 = 6.0;
/// How many rows a second the text scrolls for each row that the pointer is beyond the edge.
const EDGE_SPEED: f64 = 6.0;

/// What the button that is held down does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Drag {
    #[default]
    Nothing,
    Select(Grain),
    Lines,
    Rectangle {
        from: (usize, usize),
    },
    /// Text that was selected is moved, once the pointer has moved.
    Text {
        from: Pos2,
        has_moved: bool,
    },
    Scroll {
        grabbed: f32,
    },
}

/// The button and its clicks.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    drag: Drag,
    clicks: u32,
    last: Option<(f64, Pos2)>,
    /// Where the selection reaches that is being dragged.
    reached: Option<usize>,
}

impl Pressed {
    /// Whether the handle of the scroll bar is held.
    pub(super) fn is_scrolling(&self) -> bool {
        matches!(self.drag, Drag::Scroll { .. })
    }

    /// Counts clicks at one place.
    fn click(&mut self, now: f64, at: Pos2) -> u32 {
        let is_again = self
            .last
            .is_some_and(|(last, place)| now - last < CLICK_TIME && place.distance(at) < CLICK_DISTANCE);
        self.clicks = if is_again { self.clicks % 3 + 1 } else { 1 };
        self.last = Some((now, at));
        self.clicks
    }
}

/// The character at a place on the screen.
fn char_at(scene: &EditorScene<'_>, places: &Places, shown: &[ShownRow], at: Pos2) -> usize {
    let row = places.row_at(at.y).max(0.0) as usize;
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return 0 };
    if let Some(found) = shown.iter().find(|found| found.row.row == row) {
        return found.at(at.x - places.left).0;
    }
    let rope = scene.document.buffer().rope();
    let rows = scene.view.rows();
    if row < first.row.row {
        return rows.at(rope, row, 0).0;
    }
    if row >= rows.count() { last.row.end.0 } else { rows.at(rope, row, usize::MAX).0 }
}

/// The line and the column in cells at a place, for rectangles.
fn corner(scene: &EditorScene<'_>, places: &Places, at: Pos2) -> (usize, usize) {
    let row = places.row_at(at.y).max(0.0) as usize;
    let rows = scene.view.rows();
    let rope = scene.document.buffer().rope();
    let place = rows.at(rope, row.min(rows.count().saturating_sub(1)), 0);
    let column = ((at.x - places.left) / places.char_width).round().max(0.0) as usize;
    (scene.document.buffer().line_of(place).0, column)
}

impl EditorWidget {
    pub(super) fn pointer(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        response: &Response,
        actions: &mut Actions,
    ) {
        self.turn_wheel(ui, scene, places, response, actions);
        let (is_down, pressed, released, at) = ui.input(|input| {
            let pointer = &input.pointer;
            (
                pointer.primary_down(),
                pointer.primary_pressed(),
                pointer.primary_released(),
                pointer.interact_pos(),
            )
        });
        if let Some(at) = at {
            if pressed && response.contains_pointer() {
                self.press(ui, scene, places, shown, at, actions);
                response.request_focus();
                self.note_key(scene.now);
            } else if is_down {
                self.drag(ui, scene, places, shown, at, actions);
            }
        }
        if released || !is_down {
            self.release(ui, scene, places, shown, at, actions);
        }
        self.paste_with_middle_button(ui, scene, places, shown, response, actions);
        response.context_menu(|ui| menu(ui, actions));
    }

    fn turn_wheel(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        response: &Response,
        actions: &mut Actions,
    ) {
        let turned = wheel(ui, response);
        if turned.y != 0.0 {
            scene.ask(actions, EditorAction::ScrollBy(-f64::from(turned.y / places.row_height)));
        }
        if turned.x != 0.0 && scene.view.rows().wrap_columns().is_none() {
            let room = (self.widest + 4.0 * places.char_width - places.text.width()).max(0.0);
            self.left = (self.left - turned.x).clamp(0.0, room);
            ui.ctx().request_repaint();
        }
    }

    fn press(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        at: Pos2,
        actions: &mut Actions,
    ) {
        self.pressed.reached = None;
        if places.scroll_bar.contains(at) {
            return self.press_scroll_bar(scene, places, at, actions);
        }
        if places.gutter.contains(at) {
            return self.press_gutter(ui, scene, places, shown, at, actions);
        }
        let place = char_at(scene, places, shown, at);
        let modifiers = ui.input(|input| input.modifiers);
        let clicks = self.pressed.click(scene.now, at);
        let grain = [Grain::Character, Grain::Word, Grain::Line][clicks as usize - 1];
        let is_selected =
            scene.view.selections().all().iter().any(|one| !one.is_empty() && one.range().contains(&place));
        self.pressed.drag = if modifiers.alt && modifiers.shift {
            Drag::Rectangle { from: corner(scene, places, at) }
        } else if modifiers.alt {
            scene.ask(actions, EditorAction::AddCursor(place));
            Drag::Nothing
        } else if is_selected && clicks == 1 && !modifiers.shift {
            Drag::Text { from: at, has_moved: false }
        } else {
            scene.ask(actions, EditorAction::Click { at: place, grain, extends: modifiers.shift });
            Drag::Select(grain)
        };
    }

    fn press_scroll_bar(
        &mut self,
        scene: &EditorScene<'_>,
        places: &Places,
        at: Pos2,
        actions: &mut Actions,
    ) {
        let Some(handle) = scroll_bar::handle(scene, places) else { return };
        let grabbed = if handle.contains(at) { at.y - handle.top() } else { handle.height() / 2.0 };
        self.pressed.drag = Drag::Scroll { grabbed };
        let row = scroll_bar::row_of(scene, places, handle, at.y - grabbed);
        scene.ask(actions, EditorAction::ScrollToRow(row));
    }

    fn press_gutter(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        at: Pos2,
        actions: &mut Actions,
    ) {
        let row = places.row_at(at.y).max(0.0) as usize;
        let Some(row) = shown.iter().find(|shown| shown.row.row == row) else { return };
        let line = row.row.line.0;
        let is_at_fold = at.x > places.gutter.right() - 2.5 * places.char_width;
        let can_fold = row.row.folded_lines > 0 || gutter::folds(scene, shown).contains(&line);
        if is_at_fold && can_fold {
            self.pressed.drag = Drag::Nothing;
            scene.ask(actions, EditorAction::ToggleFold(line));
            return;
        }
        let extends = ui.input(|input| input.modifiers.shift);
        self.pressed.drag = Drag::Lines;
        scene.ask(actions, EditorAction::SelectLine { line, extends });
    }

    fn drag(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        at: Pos2,
        actions: &mut Actions,
    ) {
        match self.pressed.drag {
            Drag::Nothing => {}
            Drag::Scroll { grabbed } => {
                if let Some(handle) = scroll_bar::handle(scene, places) {
                    let row = scroll_bar::row_of(scene, places, handle, at.y - grabbed);
                    if (row - places.top).abs() > 1e-6 {
                        scene.ask(actions, EditorAction::ScrollToRow(row));
                    }
                }
            }
            Drag::Text { from, has_moved } => {
                let has_moved = has_moved || from.distance(at) > tokens::STEP;
                self.pressed.drag = Drag::Text { from, has_moved };
                if has_moved {
                    ui.ctx().set_cursor_icon(eframe::egui::CursorIcon::Grabbing);
                }
            }
            Drag::Rectangle { from } => {
                let to = corner(scene, places, at);
                scene.ask(actions, EditorAction::Rectangle { from, to });
                self.scroll_at_edge(ui, scene, places, at, actions);
            }
            Drag::Select(_) | Drag::Lines => {
                let place = char_at(scene, places, shown, at);
                if self.pressed.reached != Some(place) {
                    let is_first = self.pressed.reached.is_none();
                    self.pressed.reached = Some(place);
                    if !is_first {
                        self.reach(scene, place, actions);
                    }
                }
                self.scroll_at_edge(ui, scene, places, at, actions);
            }
        }
    }

    fn reach(&self, scene: &EditorScene<'_>, place: usize, actions: &mut Actions) {
        let grain = if let Drag::Select(grain) = self.pressed.drag { grain } else { Grain::Line };
        scene.ask(actions, EditorAction::Click { at: place, grain, extends: true });
    }

    fn scroll_at_edge(
        &self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        at: Pos2,
        actions: &mut Actions,
    ) {
        let beyond = (places.text.top() - at.y).max(0.0) - (at.y - places.text.bottom()).max(0.0);
        if beyond != 0.0 {
            let seconds = f64::from(ui.input(|input| input.stable_dt)).min(0.1);
            let rows = -f64::from(beyond / places.row_height) * EDGE_SPEED * seconds;
            scene.ask(actions, EditorAction::ScrollBy(rows));
            ui.ctx().request_repaint();
        }
    }

    fn release(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        at: Option<Pos2>,
        actions: &mut Actions,
    ) {
        let drag = std::mem::take(&mut self.pressed.drag);
        let (Drag::Text { has_moved, .. }, Some(at)) = (drag, at) else { return };
        let place = char_at(scene, places, shown, at);
        let action = if has_moved {
            let copies = ui.input(|input| input.modifiers.command);
            EditorAction::DropSelection { at: place, copies }
        } else {
            EditorAction::Click { at: place, grain: Grain::Character, extends: false }
        };
        scene.ask(actions, action);
    }

    fn paste_with_middle_button(
        &self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        response: &Response,
        actions: &mut Actions,
    ) {
        if !response.contains_pointer() {
            return;
        }
        let pasted = ui.input(|input| {
            input.events.iter().find_map(|event| match event {
                Event::MiddleClickPaste { pos, text } => Some((*pos, text.clone())),
                _ => None,
            })
        });
        if let Some((at, text)) = pasted.filter(|(at, _)| places.text.contains(*at)) {
            let at = char_at(scene, places, shown, at);
            scene.ask(actions, EditorAction::PasteAt { at, text });
        }
    }
}

fn menu(ui: &mut Ui, actions: &mut Actions) {
    use EditorCommand as C;
    let groups: [&[EditorCommand]; 3] = [
        &[C::Cut, C::Copy, C::Paste],
        &[C::SelectAll, C::ToggleLineComment, C::AddNextOccurrence],
        &[C::Undo, C::Redo],
    ];
    for (index, group) in groups.into_iter().enumerate() {
        if index > 0 {
            ui.separator();
        }
        for command in group {
            let title =
                weft_editor::command::info_of(Command::Editor(*command)).map_or("", |info| info.title);
            if ui.button(title).clicked() {
                actions.push(Action::Run(Command::Editor(*command)));
                ui.close();
            }
        }
    }
    ui.separator();
    ui.menu_button("AI", |ui| {
        let templates = weft_editor::command::commands().iter().filter(|info| {
            matches!(info.command, Command::App(AppCommand::UseTemplate(_) | AppCommand::ChooseTemplate))
        });
        for info in templates {
            if ui.button(info.title.trim_start_matches("AI: ")).clicked() {
                actions.push(Action::Run(info.command));
                ui.close();
            }
        }
    });
}
