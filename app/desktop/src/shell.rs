//! One frame of the window: news of the node, keys, drawing, actions, and what the node has to learn.
//!
//! The order matters. Keys are taken before drawing, so that what is typed is seen in the same frame. Actions of views
//! are carried out after drawing and seen in the next.

mod chat;
mod commands;
mod conversations;
mod exchange;
mod files;
mod following;
mod ghosts;
mod guard;
mod keys;
mod local;
#[cfg(feature = "measure")]
pub mod measure;
mod models;
mod news;
mod own;
mod perform;
mod places;
mod reading;
mod searching;
#[cfg(test)]
mod tests;
mod timeline;
#[cfg(feature = "measure")]
pub mod tour;
mod unsaved;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use eframe::egui::{self, Context, Ui, ViewportCommand};
use weft_editor::window::{GroupId, OpenFiles};

pub(crate) use self::chat::selected_lines;
pub(crate) use self::ghosts::Alternative;
pub(crate) use self::guard::Guard;
use self::keys::KeyInput;
use crate::{
    action::Actions,
    editor::EditorWidget,
    limits::{LAST_WORDS_PATIENCE, NEWS_PER_FRAME_MAX, NOTICE_TIME},
    link::{Link, LinkError, Saved, ToLink},
    panels::{self, Drafts, Scene},
    state::{Folder, SavedState, State},
    tokens::Tokens,
};

/// The window: its state, the way to the node, and what drawing keeps from frame to frame.
pub(crate) struct Shell {
    link: Link,
    state: State,
    tokens: Tokens,
    drafts: Drafts,
    editors: BTreeMap<(GroupId, String), EditorWidget>,
    keys: KeyInput,
    guard: Guard,
    exchange: exchange::Exchange,
    local: local::LocalFiles,
    timeline: timeline::Timeline,
    places: places::Places,
    opened: Instant,
    /// The window's size, position and the rest, as they were saved last.
    saved: SavedState,
    title: String,
    theme_name: String,
    /// The layout of the folder that was open when the window was closed.
    restoring: Option<(PathBuf, String)>,
}

impl Shell {
    pub(crate) fn new(link: Link, home: &Path, saved: &SavedState, folder: Option<PathBuf>) -> Self {
        let state = State::new(home, saved);
        let tokens = Tokens::new(state.theme(true), 13.0, 1.5, 0);
        let restoring = saved.folder.clone().map(|folder| (folder, saved.layout.clone()));
        let mut shell = Self {
            link,
            state,
            tokens,
            drafts: Drafts::new(),
            editors: BTreeMap::new(),
            keys: KeyInput::default(),
            places: places::Places::default(),
            guard: Guard::default(),
            exchange: exchange::Exchange::default(),
            local: local::LocalFiles::default(),
            timeline: timeline::Timeline::default(),
            opened: Instant::now(),
            saved: saved.clone(),
            title: String::new(),
            theme_name: String::new(),
            restoring,
        };
        shell.tell_unsaved();
        if let Some(folder) = folder {
            shell.ask(ToLink::OpenFolder(folder));
        }
        shell
    }

    /// Asks the other thread; a refusal is told to the person.
    fn ask(&mut self, request: ToLink) -> bool {
        match self.link.ask(request) {
            Ok(()) => true,
            Err(error @ (LinkError::Full | LinkError::Ended)) => {
                self.state.notice(&error.to_string(), None, true);
                false
            }
        }
    }

    /// Shows a folder.
    fn show_folder(&mut self, root: PathBuf) {
        self.close_folder();
        let (tree, effects) = weft_editor::window::FileTree::new();
        let layout = match self.restoring.take() {
            Some((folder, layout)) if folder == root && self.state.settings.is_on("window.restore") => {
                weft_editor::window::Layout::load(&layout).unwrap_or_default()
            }
            _ => weft_editor::window::Layout::default(),
        };
        let mut workspace = crate::remote::Remote::default();
        workspace.ask();
        self.state.folder = Some(Folder {
            root: root.clone(),
            workspace,
            tree,
            names: Vec::new(),
            layout,
            files: OpenFiles::default(),
            going: BTreeMap::new(),
            outline: crate::state::Outline::default(),
            naming: None,
            deleting: None,
            pictures: BTreeMap::new(),
            previews: BTreeMap::new(),
            present: Vec::new(),
            following: None,
            early_cursors: BTreeMap::new(),
        });
        SavedState::remember(&mut self.state.recent, &root);
        self.load(effects);
        self.ask(ToLink::ListFiles);
        self.want_shown();
    }

    fn close_folder(&mut self) {
        if let Some(folder) = self.state.folder.take() {
            for (_, file) in folder.files.iter() {
                if let Some(number) = file.number() {
                    self.ask(ToLink::CloseDocument(number));
                }
            }
        }
        self.editors.clear();
        self.state.pages = crate::state::Pages::default();
        if let Some(number) = self.state.ai.stop() {
            self.ask(ToLink::CancelAi(number));
        }
        self.state.ai.leave_folder();
        self.state.search = crate::state::FolderSearch::default();
        self.places = places::Places::default();
    }

    fn load(&mut self, effects: Vec<weft_editor::window::TreeEffect>) {
        for weft_editor::window::TreeEffect::Load(path) in effects {
            self.ask(ToLink::ReadFolder(path));
        }
    }

    /// One frame.
    pub(crate) fn frame(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.state.now = self.opened.elapsed().as_secs_f64();
        self.timeline.frame_begins();
        self.look(&ctx);
        self.take_news(&ctx);
        let mut actions = Actions::default();
        self.take_keys(&ctx, &mut actions);
        self.perform(&ctx, &mut actions);
        self.follow();
        self.prepare(&ctx);
        self.draw(ui, &mut actions);
        self.note_shown();
        let has_acted = actions.len() > 0;
        self.perform(&ctx, &mut actions);
        self.exchange(&ctx);
        self.keep(&ctx);
        if has_acted {
            ctx.request_repaint();
        }
    }

    /// Colours, sizes and zoom as they are set.
    fn look(&mut self, ctx: &Context) {
        let system_is_dark = ctx.input(|input| input.raw.system_theme) != Some(egui::Theme::Light);
        let theme = self.state.theme(system_is_dark);
        let size = self.state.settings.float("editor.font_size") as f32;
        let height = self.state.settings.float("editor.line_height") as f32;
        let name = format!("{} {size} {height}", theme.name);
        if name != self.theme_name {
            self.theme_name = name;
            self.tokens = Tokens::new(theme, size, height, self.tokens.generation + 1);
            self.tokens.apply(ctx);
        }
        let zoom = self.state.zoom * self.state.settings.float("window.zoom") as f32;
        if (ctx.zoom_factor() - zoom).abs() > f32::EPSILON {
            ctx.set_zoom_factor(zoom);
        }
    }

    fn take_news(&mut self, ctx: &Context) {
        for _ in 0..NEWS_PER_FRAME_MAX {
            let Some(news) = self.link.take() else {
                if self.link.take_lost() {
                    self.reopen_all();
                }
                return;
            };
            self.apply(news);
        }
        ctx.request_repaint();
    }

    /// What drawing needs and may take a part of the frame.
    fn prepare(&mut self, ctx: &Context) {
        self.prepare_reading(ctx);
        self.compare_past();
        self.state.ai.read_answers();
        if let Some(folder) = &mut self.state.folder {
            folder.tree.rows();
            if self.state.overlay.is_some() && self.state.ranking.advance(&folder.names) {
                ctx.request_repaint();
            }
            let scope = folder.active().and_then(|(document, _)| document.find_scope());
            self.state.find.set_scope(scope);
            if let Some((document, _)) = folder.active()
                && self.state.find.advance(document.buffer().rope(), document.version())
            {
                ctx.request_repaint();
            }
        }
        let now = self.state.now;
        let age = NOTICE_TIME.as_secs_f64();
        self.state.notices.retain(|notice| now - notice.since < age);
        if let Some(first) = self.state.notices.first() {
            ctx.request_repaint_after(Duration::from_secs_f64((age - (now - first.since)).max(0.05)));
        }
    }

    fn draw(&mut self, ui: &mut Ui, actions: &mut Actions) {
        let mut scene = Scene {
            state: &self.state,
            tokens: &self.tokens,
            drafts: &mut self.drafts,
            editors: &mut self.editors,
            guard: &self.guard,
            actions,
        };
        panels::window_ui(ui, &mut scene);
    }

    /// Keeps the state of the window when it has changed.
    fn keep(&mut self, ctx: &Context) {
        let title = match &self.state.folder {
            Some(folder) => match folder.active_path() {
                Some(path) => format!("{path} – {} – Weft", folder.name()),
                None => format!("{} – Weft", folder.name()),
            },
            None => crate::strings::APP.to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        let state = self.saved_state(ctx);
        // While a button is held something is being dragged: what comes of it is kept at the end.
        let is_settled = ctx.input(|input| !input.pointer.any_down());
        if state != self.saved && is_settled {
            let text = state.write();
            if self.ask(ToLink::Save(Saved::State(text))) {
                self.saved = state;
            }
        }
    }

    fn saved_state(&self, ctx: &Context) -> SavedState {
        let (size, is_maximized) = ctx.input(|input| {
            let viewport = input.viewport();
            let size = viewport.inner_rect.map(|rect| (rect.width(), rect.height()));
            (size, viewport.maximized.unwrap_or(false))
        });
        let zoom = ctx.zoom_factor();
        let points = size.map(|(width, height)| ((width * zoom).round(), (height * zoom).round()));
        let size = if is_maximized { self.saved.size } else { points.unwrap_or(self.saved.size) };
        let folder = self.state.folder.as_ref();
        SavedState {
            folder: folder.map(|folder| folder.root.clone()),
            recent: self.state.recent.clone(),
            zoom: self.state.zoom,
            size,
            is_maximized,
            shows_side_bar: self.state.shows_side_bar,
            layout: folder.map(|folder| folder.layout.save()).unwrap_or_default(),
        }
    }

    /// Gives the node what was typed last. It waits, but not for ever.
    fn finish(&mut self) {
        let deadline = Instant::now() + LAST_WORDS_PATIENCE;
        let is_behind = |shell: &Self| {
            shell.has_unsaved()
                || shell.state.folder.as_ref().is_some_and(|folder| {
                    folder.files.iter().any(|(_, file)| {
                        file.number().is_some()
                            && file.document().is_some_and(weft_editor::Document::is_behind)
                    })
                })
        };
        self.save_everything();
        while is_behind(self) && Instant::now() < deadline {
            match self.link.take() {
                Some(news) => self.apply(news),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
            self.save_everything();
        }
        self.keep_unsaved();
        self.link.end();
    }
}

impl eframe::App for Shell {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.frame(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.finish();
    }
}
