//! Frames while a real node beside the window reads a folder into its index, embeds it and answers: what the person waits for
//! counts here, not what a frame costs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use weft_bench_report::Report;
use weft_desktop::measure::{Case, Frames};
use weft_test_models::real::{MINILM, SMOLLM};

const FILES: usize = 5_000;
const LINES_OF_A_FILE: usize = 200;
const LINES_ON_SCREEN: usize = 10_000;
/// Keys, one in each frame of a display with 60 of them in a second.
const KEYS: usize = 1_200;
const FRAME: Duration = Duration::from_micros(16_667);
const FRAME_MILLIS: f64 = 16.0;

/// Ends what was started, also when measuring fails.
struct Load {
    node: Child,
    is_over: Arc<AtomicBool>,
    asking: Option<thread::JoinHandle<()>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // It may have ended already, which is what is wanted.
        let _ended = self.node.kill();
        let _reaped = self.node.wait();
        if let Some(asking) = self.asking.take() {
            let _panicked = asking.join();
        }
    }
}

struct Place {
    program: PathBuf,
    home: PathBuf,
    folder: PathBuf,
}

impl Place {
    fn make(&self) -> io::Result<()> {
        for file in 0..FILES {
            let folder = self.folder.join(format!("part-{:02}", file % 50));
            fs::create_dir_all(&folder)?;
            // No two files are the same: what is the same is read and embedded once.
            let text = super::text(LINES_OF_A_FILE).replace("function_number", &format!("function_{file}"));
            fs::write(folder.join(format!("module_{file:04}.rs")), text)?;
        }
        fs::create_dir_all(&self.home)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("WEFT_HOME", &self.home)
            .env("WEFT_KEY", "file");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<(), String> {
        let ended = self.command(arguments).status().map_err(|error| error.to_string())?;
        if ended.success() { Ok(()) } else { Err(format!("`weft {}` failed", arguments.join(" "))) }
    }

    /// Starts a node that reads all of it, and asks it one question after the other.
    fn load(self: &Arc<Self>) -> Result<Load, String> {
        let node = self.command(&["node", "--lan", "off"]).spawn().map_err(|error| error.to_string())?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (place, over) = (Arc::clone(self), Arc::clone(&is_over));
        let asking = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let asked =
                    ["ai", "chat", "--fresh", "--max-tokens", "400", "Tell a long story about a lighthouse."];
                if place.run(&asked).is_err() {
                    thread::sleep(Duration::from_millis(200));
                }
            }
        });
        Ok(Load { node, is_over, asking: Some(asking) })
    }
}

/// Measures it, when there is a program with the engine, and the small models.
pub(super) fn measure(report: &mut Report) -> Result<(), String> {
    report.section("Typing while the index and a model work");
    let program = std::env::var_os("WEFT_BIN").ok_or("WEFT_BIN names no program")?;
    let (chat, embedding) = (SMOLLM.path(), MINILM.path());
    if !chat.exists() || !embedding.exists() {
        return Err("the small models are not there: `./dev model` fetches them".to_owned());
    }
    let root = std::env::temp_dir().join(format!("weft-bench-load-{}", std::process::id()));
    let place = Place { program: program.into(), home: root.join("home"), folder: root.join("work") };
    let measured = at(report, &Arc::new(place), &chat, &embedding);
    // What cannot be removed now lies in the folder for temporary files.
    let _left = fs::remove_dir_all(&root);
    measured
}

fn at(report: &mut Report, place: &Arc<Place>, chat: &Path, embedding: &Path) -> Result<(), String> {
    place.make().map_err(|error| format!("the folder cannot be made: {error}"))?;
    for model in [chat, embedding] {
        place.run(&["ai", "models", "import", &model.to_string_lossy()])?;
    }
    place.run(&["init", "."])?;
    let mut frames = Frames::new(&super::text(LINES_ON_SCREEN));
    // The tree of the syntax is made, and what is drawn first is laid out.
    let _warm = frames.run(Case::Typing, 60);
    let (mut walls, mut costs, _) = typing(&mut frames);
    super::tell(report, "alone: wall time of a frame with a letter", &mut walls, FRAME_MILLIS);
    report.time("of that, processor time, 99 of 100", super::share(&mut costs, 0.99));

    let load = place.load()?;
    // Until both models are loaded.
    thread::sleep(Duration::from_secs(6));
    let (before, begun) = (busy(), Instant::now());
    let (mut walls, mut costs, mut late) = typing(&mut frames);
    let cores = (busy().saturating_sub(before)).as_secs_f64() / begun.elapsed().as_secs_f64();
    drop(load);
    report.text("cores that were busy meanwhile", &format!("{cores:.2} of {}", processors()));
    super::tell(report, "wall time of a frame with a letter", &mut walls, FRAME_MILLIS);
    report.time("the slowest", super::share(&mut walls, 1.0));
    report.time("of that, processor time, 99 of 100", super::share(&mut costs, 0.99));
    report.time("how late the thread woke for its frame, 99 of 100", super::share(&mut late, 0.99));
    Ok(())
}

/// Types a letter in each frame of a display, or as soon as the tree of the last one is made: wall time and processor time of
/// each, and how late it began.
fn typing(frames: &mut Frames) -> (Vec<Duration>, Vec<Duration>, Vec<Duration>) {
    let (mut walls, mut costs, mut late) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = Instant::now() + FRAME;
    for _ in 0..KEYS {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let begun = Instant::now();
        late.push(begun.saturating_duration_since(next));
        costs.extend(frames.run(Case::Typing, 1));
        walls.push(frames.wall());
        next = (next + FRAME).max(Instant::now());
    }
    (walls, costs, late)
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Time in which the processors of this machine did something, all of them together.
fn busy() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // user, nice, system, idle, waiting for the disk, and what interrupts took.
    let ticks: u64 =
        fields.iter().enumerate().filter(|(at, _)| !matches!(at, 3 | 4)).take(6).map(|(_, of)| of).sum();
    Duration::from_millis(ticks * 10)
}
