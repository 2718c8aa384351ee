//! Everything around the text. Views read the state, draw, and push actions.

mod accept;
mod chat;
mod conversations;
mod devices;
mod diff;
mod editors;
mod find;
mod first_run;
mod history;
mod join;
mod members;
mod menus;
mod models;
mod notices;
mod overlay;
mod passphrase;
mod proposal;
mod reading;
mod search;
mod settings;
mod share;
mod status_bar;
mod sync_state;
mod tabs;
mod top_bar;
mod tree;

use std::collections::BTreeMap;

use eframe::egui::{CentralPanel, Frame, Key, Margin, Memory, Panel, Popup, Rect, Stroke, Ui};
use weft_editor::{AppCommand, window::GroupId};

use crate::{
    action::{Action, Actions},
    controls,
    editor::{EditorWidget, id_of},
    link::FolderQuery,
    shell::Guard,
    state::{Page, State},
    strings,
    tokens::{self, Tokens},
};

pub(crate) use self::first_run::FirstPage;
#[cfg(feature = "measure")]
pub(crate) use self::models::ServerDraft;

/// What views get: what they read, the drafts of fields, and where their wishes go.
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a State,
    pub(crate) tokens: &'a Tokens,
    pub(crate) drafts: &'a mut Drafts,
    pub(crate) editors: &'a mut BTreeMap<(GroupId, String), EditorWidget>,
    pub(crate) guard: &'a Guard,
    pub(crate) actions: &'a mut Actions,
}

/// What stands in fields and is not sent off yet, and which field is to have the keys.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    pub(crate) first_page: FirstPage,
    pub(crate) folder: String,
    /// The path that was asked for last.
    pub(crate) looked_at: String,
    pub(crate) ticket: String,
    pub(crate) target: String,
    pub(crate) share: share::ShareDraft,
    pub(crate) search: FolderQuery,
    /// What is to stand in the place of what is found, when that is wanted.
    pub(crate) replacement: Option<String>,
    pub(crate) settings_filter: String,
    /// The person of whom it is asked whether they are to be put out.
    pub(crate) putting_out: Option<String>,
    /// The passphrase that is being typed.
    pub(crate) passphrase: String,
    /// The words that are being typed to check them.
    pub(crate) words: String,
    /// Whether it is asked if the key is to be taken off this device.
    pub(crate) taking_key_off: bool,
    /// The relay that is being typed, and whether one is wanted.
    pub(crate) relay: Option<String>,
    /// The name that is being typed in the tree.
    pub(crate) name: String,
    pub(crate) wants_name_focus: bool,
    pub(crate) wants_tree_focus: bool,
    /// Whether the tree scrolls to what is selected.
    pub(crate) shows_tree_selection: bool,
    /// What the preview of a file was scrolled for.
    pub(crate) preview_tops: BTreeMap<String, usize>,
    pub(crate) wants_find_focus: bool,
    /// The replacement is to be typed next.
    pub(crate) wants_replacement_focus: bool,
    pub(crate) wants_search_focus: bool,
    /// The list of what was found is to have the keys.
    pub(crate) wants_found_focus: bool,
    /// Whether that list scrolls to what is selected.
    pub(crate) shows_found: bool,
    pub(crate) wants_page_focus: bool,
    /// Whether nothing had the keys in the frame before that keeps Escape for itself.
    pub(crate) may_escape: bool,
    pub(crate) chat: chat::ChatDraft,
    pub(crate) models: models::ModelsDraft,
}

impl Drafts {
    pub(crate) fn new() -> Self {
        let home = std::env::home_dir().map(|home| home.display().to_string()).unwrap_or_default();
        let folder = if home.is_empty() { home } else { format!("{home}{}", std::path::MAIN_SEPARATOR) };
        Self { target: folder.clone(), folder, ..Self::default() }
    }

    /// Shows a page of the first ones.
    pub(crate) fn show_first_page(&mut self, joins: bool) {
        self.first_page = if joins { FirstPage::Join } else { FirstPage::OpenFolder };
        self.wants_page_focus = true;
    }

    /// Forgets the ticket: it is used up.
    pub(crate) fn clear_join(&mut self) {
        self.ticket.clear();
        self.first_page = FirstPage::Choices;
    }
}

/// The whole window.
pub(crate) fn window_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tokens = scene.tokens;
    let bar = |fill| Frame::new().fill(fill).inner_margin(Margin::symmetric(tokens::GAP as i8, 0));
    Panel::top("top")
        .exact_size(tokens::TOP_BAR)
        .resizable(false)
        .show_separator_line(false)
        .frame(bar(tokens.panel))
        .show(ui, |ui| {
            guarded(ui, scene, "Top bar", top_bar::top_bar_ui);
        });
    Panel::bottom("status")
        .exact_size(tokens::STATUS_BAR)
        .resizable(false)
        .show_separator_line(false)
        .frame(bar(tokens.panel))
        .show(ui, |ui| {
            guarded(ui, scene, "Status bar", status_bar::status_bar_ui);
        });
    let middle = if scene.state.folder.is_some() {
        folder_ui(ui, scene)
    } else {
        let panel = CentralPanel::default().frame(Frame::new().fill(tokens.background));
        panel.show(ui, |ui| guarded(ui, scene, "First page", first_run::first_run_ui)).response.rect
    };
    guarded(ui, scene, "Overlay", overlay::overlay_ui);
    guarded(ui, scene, "Passphrase", passphrase::passphrase_ui);
    guarded(ui, scene, "Notices", |ui, scene| notices::notices_ui(ui, scene, middle));
}

/// Gives the place of the texts.
fn folder_ui(ui: &mut Ui, scene: &mut Scene<'_>) -> Rect {
    let tokens = scene.tokens;
    // In a narrow window a page takes the place of the tree, so that some of the text is still seen.
    let room = tokens::SIDE_BAR + tokens::SIDE_PAGE + tokens::TEXT_LEAST;
    let has_room = scene.state.pages.open.is_none() || ui.available_width() >= room;
    if scene.state.shows_side_bar && has_room {
        let frame = Frame::new().fill(tokens.panel);
        let panel =
            Panel::left("files").default_size(tokens::SIDE_BAR).size_range(140.0..=600.0).frame(frame);
        panel.show(ui, |ui| guarded(ui, scene, "Files", tree::tree_ui));
    }
    if let Some(page) = scene.state.pages.open {
        let frame = Frame::new().fill(tokens.panel).inner_margin(Margin::same(tokens::PADDING as i8));
        let panel =
            Panel::right("page").default_size(tokens::SIDE_PAGE).size_range(280.0..=640.0).frame(frame);
        panel.show(ui, |ui| page_ui(ui, scene, page));
    }
    if scene.state.shows_search {
        let frame = Frame::new().fill(tokens.panel).inner_margin(Margin::same(tokens::GAP as i8));
        let panel = Panel::bottom("search")
            .default_size(tokens::BOTTOM_PANEL)
            .size_range(100.0..=700.0)
            .resizable(true)
            .frame(frame);
        panel.show(ui, |ui| guarded(ui, scene, "Search", search::search_ui));
    }
    let panel = CentralPanel::default().frame(Frame::new().fill(tokens.background));
    panel.show(ui, |ui| guarded(ui, scene, "Editors", editors::editors_ui)).response.rect
}

/// Escape closes a page when nothing else is to be left first: a field, a question, what lies above the page. Words that
/// are being typed would be lost with it.
fn escape_page(ui: &Ui, scene: &mut Scene<'_>) {
    let ctx = ui.ctx();
    let focused = ctx.memory(Memory::focused);
    let in_text = scene.state.folder.as_ref().map(|folder| id_of(folder.layout.focused()));
    let is_free = focused.is_none() || !ctx.text_edit_focused() && focused != in_text;
    // The key itself takes the focus from a field.
    let was_free = std::mem::replace(&mut scene.drafts.may_escape, is_free);
    let is_above = scene.state.overlay.is_some() || scene.state.passphrase.is_some();
    let is_pressed = || ui.input(|input| input.key_pressed(Key::Escape));
    if !(was_free && is_free) || is_above || Popup::is_any_open(ctx) || !is_pressed() {
        return;
    }
    let drafts = &mut *scene.drafts;
    if drafts.putting_out.take().is_some() || std::mem::take(&mut drafts.taking_key_off) {
        return;
    }
    if drafts.words.is_empty() {
        scene.actions.push(Action::ShowPage(None));
    }
}

fn page_ui(ui: &mut Ui, scene: &mut Scene<'_>, page: Page) {
    escape_page(ui, scene);
    let (title, draw): (&'static str, fn(&mut Ui, &mut Scene<'_>)) = match page {
        Page::Share => (strings::SHARE, share::share_ui),
        Page::Members => (strings::MEMBERS, members::members_ui),
        Page::Devices => (strings::DEVICES, devices::devices_ui),
        Page::Sync => (strings::SYNC_STATE, sync_state::sync_state_ui),
        Page::History => (strings::HISTORY, history::history_ui),
        Page::Settings => (strings::SETTINGS, settings::settings_ui),
        Page::Chat => (strings::CHAT, chat::chat_ui),
        Page::Models => (strings::MODELS, models::models_ui),
    };
    if controls::page_head(ui, scene.tokens, title) {
        scene.actions.push(Action::ShowPage(None));
    }
    if page == Page::Chat {
        // It scrolls by itself, above its field.
        return guarded(ui, scene, title, draw);
    }
    eframe::egui::ScrollArea::vertical().id_salt(title).auto_shrink([false, false]).show(ui, |ui| {
        // The bar at the right lies over what is scrolled.
        ui.set_width(ui.available_width() - tokens::GAP);
        guarded(ui, scene, title, draw);
        ui.add_space(tokens::SECTION_GAP);
    });
}

/// Draws a part of the window. When it panics, the message stands in its place, and what it asked for is forgotten.
pub(crate) fn guarded(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    part: &'static str,
    draw: impl FnOnce(&mut Ui, &mut Scene<'_>),
) {
    let guard = scene.guard;
    let asked = scene.actions.len();
    let drawn = guard.draw(part, || draw(ui, scene));
    if let Err(message) = drawn {
        scene.actions.truncate(asked);
        failed_ui(ui, scene, part, &message);
    }
}

fn failed_ui(ui: &mut Ui, scene: &mut Scene<'_>, part: &'static str, message: &str) {
    let frame = Frame::new()
        .fill(scene.tokens.raised)
        .stroke(Stroke::new(1.0, scene.tokens.error))
        .inner_margin(Margin::same(tokens::PADDING as i8));
    frame.show(ui, |ui| {
        controls::section_head(ui, scene.tokens, &format!("{}: {part}", strings::PANEL_FAILED));
        ui.label(message);
        controls::paragraph(ui, scene.tokens, strings::PANEL_FAILED_MORE);
        if ui.button(strings::TRY_AGAIN).clicked() {
            scene.actions.push(Action::RetryPanel(part));
        }
    });
}

/// Asks for a command when a button was pressed.
fn run_when(is_pressed: bool, scene: &mut Scene<'_>, command: AppCommand) {
    if is_pressed {
        scene.actions.run(command);
    }
}
