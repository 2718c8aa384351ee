//! Opening the window.

use std::{path::PathBuf, sync::Arc};

use eframe::egui;
use weft_node::api::NodeOptions;

use crate::{
    STATE_FILE,
    link::{Link, Waker},
    shell::Shell,
    state::SavedState,
    strings,
    system_fonts::{BundledPictures, SystemFonts},
    tokens,
};

/// What the window is opened with.
#[derive(Debug, Clone)]
pub struct DesktopOptions {
    /// How a node is opened, when none runs on the data folder.
    pub node: NodeOptions,
    /// The folder to show; default: the one that was shown last.
    pub folder: Option<PathBuf>,
}

/// Says why there is no window.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DesktopError {
    /// There is nothing to draw on.
    #[error("there is no display to open a window on")]
    NoDisplay,
    /// The folder that was named is none.
    #[error("this is no folder: {}", path.display())]
    NoFolder {
        /// What was named.
        path: PathBuf,
    },
    /// The window could not be opened, or failed.
    #[error("the window cannot be opened: {message}")]
    Window {
        /// What the system says.
        message: String,
    },
    /// The system gives no thread.
    #[error("the window cannot start its threads")]
    Thread(#[source] std::io::Error),
}

impl DesktopError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoDisplay => {
                "start it in a desktop session, or set DISPLAY or WAYLAND_DISPLAY; `weft --help` lists the commands \
                 that work without a window"
            }
            Self::NoFolder { .. } => "name a folder that exists, or none to see the first page",
            Self::Window { .. } => {
                "Weft needs OpenGL 2.1 or newer; LIBGL_ALWAYS_SOFTWARE=1 draws without a graphics card; `weft --help` \
                 lists the commands that work without a window"
            }
            Self::Thread(_) => "close other programs and try again",
        }
    }
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When there is no display, the folder is none, or the system does not let a window be opened.
pub fn run(options: DesktopOptions) -> Result<(), DesktopError> {
    if !has_display() {
        return Err(DesktopError::NoDisplay);
    }
    if let Some(path) = options.folder.as_ref().filter(|path| !path.is_dir()) {
        return Err(DesktopError::NoFolder { path: path.clone() });
    }
    let state_file = options.node.home.join(STATE_FILE);
    let saved = SavedState::read(&crate::link::read_saved(&state_file));
    let folder = options.folder.clone().or_else(|| saved.folder.clone().filter(|folder| folder.is_dir()));
    let viewport = egui::ViewportBuilder::default()
        .with_title(strings::APP)
        .with_app_id("dev.weft.Weft")
        .with_inner_size([saved.size.0, saved.size.1])
        .with_min_inner_size([480.0, 320.0])
        .with_maximized(saved.is_maximized);
    // Ours goes on where the system has no fonts.
    let native = eframe::NativeOptions { viewport, system_font_fallback: false, ..Default::default() };
    let node = options.node;
    let created: eframe::AppCreator<'_> = Box::new(move |creation| {
        creation.egui_ctx.set_fonts(tokens::fonts());
        creation.egui_ctx.add_font_provider(Arc::new(SystemFonts::new()));
        creation.egui_ctx.add_font_provider(Arc::new(BundledPictures));
        let ctx = creation.egui_ctx.clone();
        let waker: Waker = Arc::new(move || ctx.request_repaint());
        let home = node.home.clone();
        let link = Link::start(node, state_file, waker)?;
        Ok(Box::new(Shell::new(link, &home, &saved, folder)))
    });
    eframe::run_native(strings::APP, native, created)
        .map_err(|error| DesktopError::Window { message: error.to_string() })
}

/// Whether there is something to draw on, as far as that can be told without asking.
fn has_display() -> bool {
    if cfg!(any(target_os = "macos", windows)) {
        return true;
    }
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET")
}
