//! A display that nobody sees, its keys, and what is on it.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) const WIDTH: u32 = 1_280;
pub(crate) const HEIGHT: u32 = 800;

/// A process that does not outlive the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Whether the programs are there that the tests need; says so when one is not, and fails where they have to be.
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
pub(crate) fn can_run() -> bool {
    let missing = ["Xvfb", "xdotool"].into_iter().find(|program| {
        let script = format!("command -v {program}");
        let found = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
        !found.is_ok_and(|status| status.success())
    });
    if let Some(missing) = missing {
        let is_required = std::env::var_os("WEFT_TOOLS").is_some_and(|tools| tools == "required");
        assert!(!is_required, "{missing} is missing (apt-get install xvfb xdotool), and WEFT_TOOLS=required");
        eprintln!("skipped: {missing} is missing (apt-get install xvfb xdotool)");
    }
    missing.is_none()
}

#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A display with a number of its own.
pub(crate) struct Screen {
    pub(crate) name: String,
    /// Where the server keeps what is on the display, as a file.
    memory: tempfile::TempDir,
    _server: Running,
}

/// A colour, as red, green and blue.
pub(crate) type Colour = [u8; 3];

/// A part of the display: left, top, right and bottom.
pub(crate) type Area = (u32, u32, u32, u32);

impl Screen {
    pub(crate) fn new() -> Self {
        Self::with(&["+extension", "GLX"])
    }

    pub(crate) fn with(options: &[&str]) -> Self {
        // Tests of one process may run beside each other.
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let number = 200 + (std::process::id() * 8 + next) % 20_000;
        let name = format!(":{number}");
        let memory = tempfile::tempdir().expect("a folder");
        let size = format!("{WIDTH}x{HEIGHT}x24");
        let server = Command::new("Xvfb")
            .args([&name, "-screen", "0", &size, "-nolisten", "tcp", "-fbdir"])
            .arg(memory.path())
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb");
        let server = Running(server);
        let socket = PathBuf::from(format!("/tmp/.X11-unix/X{number}"));
        eventually("the display", || socket.exists());
        Self { name, memory, _server: server }
    }

    pub(crate) fn xdotool(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).output().expect("xdotool");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn key(&self, key: &str) {
        self.xdotool(&["key", "--clearmodifiers", key]);
        std::thread::sleep(Duration::from_millis(250));
    }

    pub(crate) fn type_text(&self, text: &str) {
        self.xdotool(&["type", "--delay", "40", text]);
        std::thread::sleep(Duration::from_millis(250));
    }

    /// Presses the button of the pointer in the middle of a part of the display.
    pub(crate) fn click(&self, (left, top, right, bottom): Area) {
        let (x, y) = ((left + right) / 2, (top + bottom) / 2);
        // It comes from somewhere: what lies below the pointer is known only after a movement.
        for (x, y) in [(x + 3, y + 3), (x, y)] {
            self.xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
            std::thread::sleep(Duration::from_millis(150));
        }
        self.xdotool(&["mousedown", "1"]);
        std::thread::sleep(Duration::from_millis(80));
        self.xdotool(&["mouseup", "1"]);
        std::thread::sleep(Duration::from_millis(250));
    }

    /// The colours of a part of the display, row by row. The server's file is a picture of the kind of `xwd`.
    fn rows(&self, (left, top, right, bottom): Area) -> Vec<Vec<Colour>> {
        let bytes = fs::read(self.memory.path().join("Xvfb_screen0")).expect("the display's memory");
        let word = |at: usize| {
            let four = bytes.get(at * 4..at * 4 + 4).and_then(|four| four.try_into().ok());
            u32::from_be_bytes(four.expect("a header")) as usize
        };
        let (header, is_little_endian, bits, row_bytes, colours) =
            (word(0), word(7) == 0, word(11), word(12), word(19));
        assert!(is_little_endian && bits == 32, "a display of another kind");
        let pixels = header + colours * 12;
        let colour = |x: u32, y: u32| {
            let at = pixels + y as usize * row_bytes + x as usize * 4;
            [bytes[at + 2], bytes[at + 1], bytes[at]]
        };
        (top..bottom.min(HEIGHT)).map(|y| (left..right.min(WIDTH)).map(|x| colour(x, y)).collect()).collect()
    }

    /// How much of each colour there is in a part of the display.
    pub(crate) fn colours(&self, area: Area) -> BTreeMap<Colour, usize> {
        let mut counts = BTreeMap::new();
        for colour in self.rows(area).into_iter().flatten() {
            *counts.entry(colour).or_insert(0) += 1;
        }
        counts
    }

    /// The colour that most of a part of the display has.
    pub(crate) fn ground(&self, area: Area) -> Colour {
        self.colours(area).into_iter().max_by_key(|(_, count)| *count).map_or([0; 3], |(colour, _)| colour)
    }

    /// Where buttons of a colour are, from top to bottom.
    pub(crate) fn buttons(&self, area: Area, colour: Colour) -> Vec<Area> {
        /// A button is at least so wide, and its edges above and below its words so high together.
        const WIDTH_MIN: u32 = 24;
        const ROWS_MIN: u32 = 4;
        let mut found: Vec<(Area, u32)> = Vec::new();
        for (y, row) in (area.1..).zip(self.rows(area)) {
            let mut from = None;
            for (x, is_of_it) in (area.0..).zip(row.iter().map(|one| *one == colour).chain([false])) {
                match (is_of_it, from) {
                    (true, None) => from = Some(x),
                    (false, Some(start)) => {
                        from = None;
                        if x - start >= WIDTH_MIN {
                            add_run(&mut found, (start, x), y);
                        }
                    }
                    _ => {}
                }
            }
        }
        found.into_iter().filter(|(_, rows)| *rows >= ROWS_MIN).map(|(area, _)| area).collect()
    }
}

/// Adds a row of one colour to the button that it belongs to.
fn add_run(found: &mut Vec<(Area, u32)>, (from, to): (u32, u32), y: u32) {
    /// Words lie between the edges of a button.
    const WORDS: u32 = 20;
    /// So many rows are its edge; fewer are a line around something else.
    const EDGE: u32 = 4;
    let near = found.iter_mut().find(|((left, _, right, bottom), rows)| {
        let gap = if *rows >= EDGE { WORDS } else { 1 };
        y.saturating_sub(*bottom) <= gap && from < *right && *left < to
    });
    match near {
        Some(((left, _, right, bottom), rows)) => {
            (*left, *right, *bottom) = ((*left).min(from), (*right).max(to), y);
            *rows += 1;
        }
        None => found.push(((from, y, to, y), 1)),
    }
}
