//! What is to happen, as a list that follows from a seed.

use std::collections::BTreeSet;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

/// How much is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// Devices that are there from the beginning.
    pub devices: usize,
    /// What people do on each of them.
    pub acts: usize,
    /// Faults of all kinds.
    pub faults: usize,
    /// For how long, in virtual milliseconds.
    pub busy_millis: u64,
    /// Whether people edit, save and make files only, and neither move, delete nor overwrite any,
    /// nor save old copies.
    pub only_edits: bool,
}

impl Size {
    /// The usual size for a number of devices.
    #[must_use]
    pub fn of(devices: usize) -> Self {
        let acts = if devices <= 6 { 14 } else { 60 / devices.min(30) + 2 };
        Self { devices, acts, faults: 6 + devices / 4, busy_millis: 20_000, only_edits: false }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When, in virtual milliseconds.
    pub at: u64,
    /// On which device.
    pub device: usize,
    /// What.
    pub what: What,
    /// Decides the rest.
    pub dice: u64,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    // People, through the engine's commands.
    /// Types a word into a text.
    Type,
    /// Takes a piece of a text out.
    Cut,
    /// Runs a formatter over a text: many small edits.
    Format,
    // People, through the folder.
    /// Makes a text file.
    NewText,
    /// Makes a file of bytes.
    NewBytes,
    /// Makes a folder.
    NewFolder,
    /// Saves a text with a word more.
    Save,
    /// Saves a copy that was loaded before others' edits came, with a word more.
    SaveOldCopy,
    /// Replaces a file by bytes that are no text.
    Overwrite,
    /// Deletes a file or folder.
    Delete,
    /// Gives something another name.
    Rename,
    /// Moves something into another folder.
    Move,
    /// Flips the executable bit.
    Mode,
    // Faults.
    /// A connection breaks.
    Drop,
    /// The network falls into two parts for a while.
    Part,
    /// The program is killed, and started again after a while.
    Crash,
    /// The machine is started again: its memory is gone.
    Reboot,
    /// The disk is full for a while.
    DiskFull,
    /// A backup is made.
    Backup,
    /// The last backup is put in place.
    Restore,
    /// The data folder is copied to another machine, which runs too.
    Clone,
    /// The clock on the wall jumps by years.
    ClockJump,
    /// A person is put out.
    Remove,
}

impl What {
    /// Whether it is something that a person does to files.
    #[must_use]
    pub fn is_act(self) -> bool {
        self <= Self::Mode
    }
}

/// What people do, and how often compared with each other.
const ACTS: [(What, u32); 13] = [
    (What::Type, 30),
    (What::Cut, 6),
    (What::Format, 5),
    (What::NewText, 9),
    (What::NewBytes, 4),
    (What::NewFolder, 5),
    (What::Save, 14),
    (What::SaveOldCopy, 7),
    (What::Overwrite, 2),
    (What::Delete, 5),
    (What::Rename, 6),
    (What::Move, 6),
    (What::Mode, 2),
];

/// What people do who only edit.
const EDITS: [(What, u32); 8] = [
    (What::Type, 30),
    (What::Cut, 6),
    (What::Format, 5),
    (What::NewText, 12),
    (What::NewBytes, 4),
    (What::NewFolder, 5),
    (What::Save, 20),
    (What::Mode, 2),
];

/// Faults, likewise.
const FAULTS: [(What, u32); 10] = [
    (What::Drop, 20),
    (What::Part, 12),
    (What::Crash, 20),
    (What::Reboot, 8),
    (What::DiskFull, 8),
    (What::Backup, 10),
    (What::Restore, 8),
    (What::Clone, 4),
    (What::ClockJump, 8),
    (What::Remove, 4),
];

/// Everything that is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it follows from.
    pub seed: u64,
    /// How much.
    pub size: Size,
    /// In order of time.
    pub steps: Vec<Planned>,
    /// Steps that were left out, by their place in the whole script.
    pub skipped: BTreeSet<usize>,
}

impl Script {
    /// The script of a seed, without the steps that are to be left out.
    #[must_use]
    pub fn new(seed: u64, size: Size, skipped: BTreeSet<usize>) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed ^ 0x5c21_7074);
        let mut steps = Vec::new();
        for device in 0..size.devices {
            for _ in 0..size.acts {
                let acts: &[(What, u32)] = if size.only_edits { &EDITS } else { &ACTS };
                steps.push(planned(&mut rng, &size, Some(device), acts));
            }
        }
        for _ in 0..size.faults {
            steps.push(planned(&mut rng, &size, None, &FAULTS));
        }
        steps.sort_by_key(|step| (step.at, step.device, step.dice));
        let mut place = 0;
        steps.retain(|_| {
            place += 1;
            !skipped.contains(&(place - 1))
        });
        Self { seed, size, steps, skipped }
    }

    /// How many steps there are before any is left out.
    #[must_use]
    pub fn whole_len(&self) -> usize {
        self.steps.len() + self.skipped.len()
    }

    /// The command that plays this again.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = format!(
            "cargo run -p weft-simulations --example faults -- --seed {} --devices {}",
            self.seed, self.size.devices
        );
        let usual = Size::of(self.size.devices);
        if (self.size.acts, self.size.faults) != (usual.acts, usual.faults) {
            command += &format!(" --acts {} --faults {}", self.size.acts, self.size.faults);
        }
        if self.size.only_edits {
            command += " --only-edits";
        }
        if !self.skipped.is_empty() {
            let skipped: Vec<String> = self.skipped.iter().map(ToString::to_string).collect();
            command += &format!(" --skip {}", skipped.join(","));
        }
        command
    }
}

fn planned(rng: &mut ChaCha20Rng, size: &Size, device: Option<usize>, kinds: &[(What, u32)]) -> Planned {
    let total: u32 = kinds.iter().map(|(_, weight)| weight).sum();
    let mut left = rng.random_range(0..total);
    let mut what = kinds[0].0;
    for (kind, weight) in kinds {
        if left < *weight {
            what = *kind;
            break;
        }
        left -= weight;
    }
    let chosen = rng.random_range(0..size.devices);
    Planned {
        at: rng.random_range(2_000..2_000 + size.busy_millis),
        device: device.unwrap_or(chosen),
        what,
        dice: rng.random_range(0..u64::MAX),
    }
}
