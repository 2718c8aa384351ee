//! The window without a display, frame by frame, for benchmarks: what a frame costs the processor, without a graphics card.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use eframe::egui::{self, Context, Event, Key, Modifiers, Pos2, RawInput, Rect, TextEdit, Ui, Vec2};
use weft_node::api::{ClientEdit, DocumentChanged};

use super::Shell;
use crate::{
    action::{Action, Actions, EditorAction},
    link::{FarEnd, FromLink, Link, ToLink},
    state::SavedState,
    tokens,
};

const SIZE: Vec2 = Vec2::new(1_920.0, 1_080.0);
const FRAME_SECONDS: f64 = 1.0 / 60.0;
const PATH: &str = "text.rs";

/// What is done in each frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Nothing.
    Idle,
    /// A letter is typed.
    Typing,
    /// A line is broken.
    Enter,
    /// Three lines are scrolled.
    Scrolling,
    /// The text is scrolled to a place far away, where nothing is laid out yet.
    Jump,
    /// Others make seventeen edits, a thousand a second, and a letter is typed.
    Peers,
}

/// The time that this thread has had of the processor; where the system does not tell it, the time that has passed.
pub fn processor_time() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
    #[cfg(not(unix))]
    {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed()
    }
}

/// A window with one file, and a node that takes everything.
pub struct Frames {
    ctx: Context,
    shell: Shell,
    far: FarEnd,
    text: String,
    time: f64,
    revision: u64,
    /// The number of the frame, for places that differ.
    number: u64,
    /// Frames of the last case in which a letter that came in it was drawn.
    seen_at_once: usize,
    /// Time on the clock of the last frame.
    wall: Duration,
}

impl Frames {
    /// Opens a text.
    pub fn new(text: &str) -> Self {
        let (link, far) = Link::pair();
        let ctx = Context::default();
        ctx.set_fonts(tokens::fonts());
        let shell = Shell::new(link, Path::new("."), &SavedState::default(), None);
        let mut frames = Self {
            ctx,
            shell,
            far,
            text: text.to_owned(),
            time: 0.0,
            revision: 0,
            number: 0,
            seen_at_once: 0,
            wall: Duration::ZERO,
        };
        frames.far.news.offer(FromLink::Connected { is_own: true });
        frames.far.news.offer(FromLink::FolderFound(Ok("/bench".into())));
        frames.frame(Vec::new());
        frames.shell.open_file(PATH, false, None);
        for _ in 0..8 {
            frames.frame(Vec::new());
        }
        frames
    }

    /// Draws frames of a case and gives what each cost.
    pub fn run(&mut self, case: Case, frames: usize) -> Vec<Duration> {
        self.seen_at_once = 0;
        (0..frames).map(|_| self.one(case)).collect()
    }

    /// How long the last frame took on the clock; other programs and threads count here.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// In how many frames of the last case a letter that was typed in it was in the text, and in the line that was drawn.
    pub fn seen_at_once(&self) -> usize {
        self.seen_at_once
    }

    /// The line of the caret, as far as the text has it.
    fn line(&self) -> Option<String> {
        let folder = self.shell.state.folder.as_ref()?;
        let (document, view) = folder.active()?;
        let head = document.view(view)?.selections().primary().head;
        Some(document.buffer().line(document.buffer().line_of(head)).to_string())
    }

    fn one(&mut self, case: Case) -> Duration {
        self.number += 1;
        let events = match case {
            Case::Idle | Case::Jump => Vec::new(),
            Case::Typing | Case::Peers => vec![Event::Text("x".to_owned())],
            Case::Enter => vec![Event::Key {
                key: Key::Enter,
                physical_key: None,
                pressed: true,
                repeat: false,
                modifiers: Modifiers::NONE,
            }],
            Case::Scrolling => Vec::new(),
        };
        let rows = self.shell.state.folder.as_ref().and_then(|folder| {
            let (document, view) = folder.active()?;
            Some((document.view(view)?.rows().count(), document.top_row(view)))
        });
        let (count, top) = rows.unwrap_or((1, 0.0));
        match case {
            // A multiple that shares no factor with the usual counts: each place is far from the last.
            Case::Jump => self.scroll_to((self.number * 7_919 * 131 % count as u64) as f64),
            Case::Scrolling => self.scroll_to(if top + 100.0 > count as f64 { 0.0 } else { top + 3.0 }),
            Case::Peers => {
                for _ in 0..17 {
                    self.others_edit();
                }
            }
            _ => {}
        }
        self.frame(events)
    }

    fn scroll_to(&mut self, row: f64) {
        let mut actions = Actions::default();
        let group = self.shell.state.folder.as_ref().map(|folder| folder.layout.focused());
        if let Some(group) = group {
            actions.push(Action::Editor(group, EditorAction::ScrollToRow(row)));
            self.shell.perform(&self.ctx.clone(), &mut actions);
        }
    }

    fn others_edit(&mut self) {
        self.revision += 1;
        let edits = vec![ClientEdit { at: self.number % 1_000, delete: 0, insert: "y".to_owned() }];
        let changed = DocumentChanged { document: 1, revision: self.revision, edits, user: None };
        self.far.news.offer(FromLink::Changed(changed));
    }

    fn frame(&mut self, events: Vec<Event>) -> Duration {
        self.time += FRAME_SECONDS;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.time),
            events,
            focused: true,
            ..RawInput::default()
        };
        let line_before = self.line();
        let shell = &mut self.shell;
        let (before, begun) = (processor_time(), Instant::now());
        let mut output = self.ctx.run_ui(input, |ui| shell.frame(ui));
        let cost_of_frame = processor_time().saturating_sub(before);
        self.wall = begun.elapsed();
        let line = self.line();
        let is_drawn = line.as_ref().is_some_and(|line| {
            line_before.as_ref().is_some_and(|before| before.len() < line.len())
                && output.shapes.iter().any(|shape| draws(&shape.shape, line))
        });
        self.seen_at_once += usize::from(is_drawn);
        let (before, begun) = (processor_time(), Instant::now());
        let drawn = self.ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let cost = cost_of_frame + processor_time().saturating_sub(before);
        self.wall += begun.elapsed();
        drop(drawn);
        output.textures_delta.clear();
        self.answer();
        cost
    }

    /// What the other thread would do meanwhile.
    fn answer(&mut self) {
        while let Ok(request) = self.far.asked.try_recv() {
            let news = match request {
                ToLink::OpenDocument { path, .. } => {
                    FromLink::Opened { path, result: Ok((1, self.text.clone(), 0)) }
                }
                ToLink::EditDocument { path, document, .. } => {
                    self.revision += 1;
                    FromLink::Edited { path, document, result: Ok(self.revision) }
                }
                ToLink::Parse { path, job } => match job.run(&mut || false) {
                    Some(parsed) => FromLink::Parsed { path, parsed: Box::new(parsed) },
                    None => continue,
                },
                _ => continue,
            };
            self.far.news.offer(news);
        }
    }
}

/// Whether a line is among what is drawn.
fn draws(shape: &egui::Shape, line: &str) -> bool {
    match shape {
        egui::Shape::Text(text) => text.galley.text() == line,
        egui::Shape::Vec(shapes) => shapes.iter().any(|shape| draws(shape, line)),
        _ => false,
    }
}

/// A file that is only looked at: what reading it costs the thread beside the window, and what the frame costs that
/// shows it. `None` when it cannot be read.
pub fn first_page(path: &Path) -> Option<(Duration, Duration)> {
    let mut frames = Frames::new("");
    let before = processor_time();
    let (document, local) = crate::link::look_at(path).ok()?;
    let read = processor_time().saturating_sub(before);
    frames.shell.open_file("large.log", false, None);
    let path = "large.log".to_owned();
    frames.far.news.offer(FromLink::LookedAt { path, document, local });
    let shown = frames.frame(Vec::new());
    Some((read, shown))
}

/// The same text in egui's own field, with a letter typed in each frame: what each frame cost.
pub fn text_edit(text: &str, frames: usize) -> Vec<Duration> {
    let ctx = Context::default();
    ctx.set_fonts(tokens::fonts());
    let mut text = text.to_owned();
    let id = egui::Id::unique("field");
    let mut costs = Vec::with_capacity(frames);
    for number in 0..frames + 3 {
        let typed = number >= 3;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(number as f64 * FRAME_SECONDS),
            events: if typed { vec![Event::Text("x".to_owned())] } else { Vec::new() },
            focused: true,
            ..RawInput::default()
        };
        let before = processor_time();
        let mut output = ctx.run_ui(input, |ui: &mut Ui| {
            egui::ScrollArea::vertical().show(ui, |ui| {
                ui.add(TextEdit::multiline(&mut text).id(id).code_editor().desired_width(f32::INFINITY))
                    .request_focus();
            });
        });
        drop(ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point));
        if typed {
            costs.push(processor_time().saturating_sub(before));
        }
        output.textures_delta.clear();
    }
    costs
}
