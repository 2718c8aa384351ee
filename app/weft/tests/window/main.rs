//! The real window on a display that nobody sees, with real keys and a real node.

#![cfg(all(unix, feature = "desktop"))]

mod one;
mod refusing;
mod screen;
mod two;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use screen::{Area, Colour, HEIGHT, Running, Screen, eventually};

/// The colour of the button that goes on, in the dark theme.
const ACCENT: Colour = [0x6a, 0xa6, 0xff];

/// What is above has buttons of its own.
const BARS: u32 = 44;

/// A person at the display: their folder, and what Weft keeps of them.
struct Place<'a> {
    home: PathBuf,
    folder: PathBuf,
    screen: &'a Screen,
    /// Where the window is.
    area: Area,
}

impl Place<'_> {
    fn weft(&self, arguments: &[&str]) -> Command {
        let mut command = weft(arguments, &self.home, &self.screen.name);
        command.current_dir(self.folder.parent().unwrap_or(&self.folder));
        command
    }

    /// Runs a command that must succeed, in the folder.
    fn answer(&self, arguments: &[&str]) -> String {
        let output = self.weft(arguments).current_dir(&self.folder).output().expect("weft");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Settings that make a picture that can be compared: a caret that stands still, names that stay.
    fn settle(&self) {
        fs::create_dir_all(&self.home).expect("a folder");
        let settings =
            "[editor]\ncaret_blink = false\n[people]\nname_seconds = 60\n[window]\ntheme = \"dark\"\n";
        fs::write(self.home.join("settings.toml"), settings).expect("settings");
    }

    /// Opens the window at its place of the display and gives its number.
    fn open(&self, arguments: &[&str], others: &[String]) -> (Running, String) {
        let window = self.weft(arguments).stderr(Stdio::null()).spawn().expect("the window");
        let window = Running(window);
        let mut id = String::new();
        eventually("the window", || {
            let ids = self.screen.xdotool(&["search", "--name", "Weft$"]);
            let new = ids.lines().find(|one| !others.iter().any(|other| other == one));
            id = new.unwrap_or_default().to_owned();
            !id.is_empty()
        });
        let (left, top, right, bottom) = self.area;
        let (width, height) = ((right - left).to_string(), (bottom - top).to_string());
        self.screen.xdotool(&["windowsize", &id, &width, &height]);
        self.screen.xdotool(&["windowmove", &id, &left.to_string(), &top.to_string()]);
        // Before it has drawn something it takes no keys.
        eventually("the first frame", || self.screen.ground(self.area) != [0; 3]);
        std::thread::sleep(Duration::from_millis(500));
        self.focus(&id);
        (window, id)
    }

    /// Waits until the node of the window answers, and says something.
    #[track_caller]
    fn is_ready(&self, what: &str) {
        eventually("the workspace", || {
            let told = self.weft(&["status", "--json"]).current_dir(&self.folder).output();
            told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).replace(' ', "").contains(what))
        });
        // The window asks now and then.
        std::thread::sleep(Duration::from_millis(2_500));
    }

    /// Gives a window the keys, without a window manager.
    fn focus(&self, id: &str) {
        self.screen.xdotool(&["windowfocus", id]);
        std::thread::sleep(Duration::from_millis(400));
    }

    /// Presses the first button that goes on below a height, as soon as there is one. Gives where it was.
    #[track_caller]
    fn press_primary(&self, what: &str, below: u32) -> Area {
        let (left, _, right, bottom) = self.area;
        let mut button = None;
        eventually(what, || {
            let found = self.screen.buttons((left, below, right, bottom), ACCENT).first().copied();
            // It stands still.
            let is_settled = found.is_some() && found == button;
            button = found;
            is_settled
        });
        let button = button.unwrap_or(self.area);
        self.screen.click(button);
        button
    }

    /// Opens a file by its name.
    fn quick_open(&self, id: &str, typed: &str, name: &str) {
        self.focus(id);
        self.screen.key("ctrl+p");
        self.screen.type_text(typed);
        std::thread::sleep(Duration::from_millis(400));
        self.screen.key("Return");
        eventually("the file in the title", || self.screen.xdotool(&["getwindowname", id]).starts_with(name));
        std::thread::sleep(Duration::from_millis(800));
    }

    /// Runs a command of the palette.
    fn command(&self, typed: &str) {
        self.screen.key("ctrl+shift+p");
        self.screen.type_text(typed);
        std::thread::sleep(Duration::from_millis(400));
        self.screen.key("Return");
        std::thread::sleep(Duration::from_millis(400));
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

fn weft(arguments: &[&str], home: &Path, display: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command
        .args(arguments)
        .env("WEFT_HOME", home)
        .env("WEFT_KEY", "file")
        .env("DISPLAY", display)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET");
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
