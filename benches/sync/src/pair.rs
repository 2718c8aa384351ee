//! Two devices with one folder.

use std::{path::PathBuf, time::Duration};

use weft_tests::Device;

use crate::{
    Outcome,
    folder::{self, Disk},
};

/// How long the two may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Ana, who has a folder, and Ben; both with a running node.
pub(crate) struct Pair {
    pub(crate) ana: Device,
    pub(crate) ben: Device,
    scratch: PathBuf,
}

impl Pair {
    /// Ana's folder has `files` files of `bytes` bytes.
    pub(crate) fn new(disk: &Disk, files: usize, bytes: usize) -> Outcome<Self> {
        let scratch = disk.scratch()?;
        let mut ana = Device::new(&scratch, "ana")?;
        let mut ben = Device::new(&scratch, "ben")?;
        folder::fill(&ana.place.join("work"), files, bytes)?;
        ana.weft(["init", "work"])?;
        ana.start_node()?;
        ben.start_node()?;
        Ok(Self { ana, ben, scratch })
    }

    /// A ticket to Ana's folder.
    pub(crate) fn ticket(&self) -> Outcome<String> {
        Ok(self.ana.weft(["share", "work", "--yes"])?.text("ticket").to_owned())
    }

    /// Ben joins; gives how long the command took.
    pub(crate) fn join(&self, ticket: &str) -> Outcome<Duration> {
        Ok(self.ben.weft_with_input(["join", "-", "work", "--yes"], ticket)?.took)
    }

    /// Both say that they have everything.
    pub(crate) fn settle(&self) -> Outcome<()> {
        self.ana.wait_synced(&self.ana_root(), 1, PATIENCE)?;
        self.ben.wait_synced(&self.ben_root(), 1, PATIENCE)?;
        Ok(())
    }

    pub(crate) fn ana_root(&self) -> PathBuf {
        self.ana.place.join("work")
    }

    pub(crate) fn ben_root(&self) -> PathBuf {
        self.ben.place.join("work")
    }

    /// A folder on the same disk for bare parts to work in.
    pub(crate) fn beside(&self) -> PathBuf {
        self.scratch.join("bound")
    }

    /// Processor time that both nodes have used so far.
    pub(crate) fn processor_time(&self) -> Duration {
        [&self.ana, &self.ben]
            .into_iter()
            .filter_map(Device::node)
            .map(|node| processor_time(node.pid()))
            .sum()
    }
}

/// Processor time of all threads of a process; zero where the system does not tell.
pub(crate) fn processor_time(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let told = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// The time that so many of a hundred do not exceed.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}

/// The memory that a process holds now, in bytes; zero where the system does not tell.
pub(crate) fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
