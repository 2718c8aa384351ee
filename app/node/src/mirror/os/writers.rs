//! Which files some process could still write to.

use std::collections::BTreeSet;

/// The answer of [`find_writers`].
#[derive(Debug, Default)]
pub(crate) struct Writers {
    /// Those of the asked-for files (device, inode) that a process holds open for writing.
    pub(crate) found: BTreeSet<(u64, u64)>,
    /// Whether every process could be looked at. If not, only time can tell.
    pub(crate) complete: bool,
}

/// Looks through the open files and shared mappings of all processes.
///
/// The kernel's own answer (a read lease) has no safe interface; this one costs
/// a few milliseconds, so ask once for many files.
#[cfg(target_os = "linux")]
pub(crate) fn find_writers(files: &BTreeSet<(u64, u64)>) -> Writers {
    use std::fs;
    let mut writers = Writers { found: BTreeSet::new(), complete: true };
    let Ok(processes) = fs::read_dir("/proc") else {
        return Writers::default();
    };
    for process in processes.flatten() {
        let name = process.file_name();
        let is_process = name.to_str().is_some_and(|name| name.bytes().all(|b| b.is_ascii_digit()));
        if !is_process {
            continue;
        }
        match look_at_process(&process.path(), files, &mut writers.found) {
            Ok(()) => {}
            // It has ended meanwhile, and its files with it.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {}
            Err(_) => writers.complete = false,
        }
    }
    writers
}

#[cfg(target_os = "linux")]
fn look_at_process(
    process: &std::path::Path,
    files: &BTreeSet<(u64, u64)>,
    found: &mut BTreeSet<(u64, u64)>,
) -> std::io::Result<()> {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    for descriptor in fs::read_dir(process.join("fd"))? {
        let descriptor = descriptor?;
        let Ok(metadata) = fs::metadata(descriptor.path()) else {
            continue;
        };
        let file = (metadata.dev(), metadata.ino());
        if !files.contains(&file) || found.contains(&file) {
            continue;
        }
        let information = process.join("fdinfo").join(descriptor.file_name());
        if fs::read_to_string(information).is_ok_and(|text| is_open_for_writing(&text)) {
            found.insert(file);
        }
    }
    let mappings = fs::read_to_string(process.join("maps"))?;
    for inode in mappings.lines().filter_map(shared_writable_inode) {
        // Some file systems show another device number here than in a stamp.
        found.extend(files.iter().filter(|file| file.1 == inode));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn is_open_for_writing(information: &str) -> bool {
    information
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok())
        // The two lowest bits say read (0), write (1) or both (2).
        .is_some_and(|flags| matches!(flags & 3, 1 | 2) && flags & libc::O_PATH as u32 == 0)
}

#[cfg(target_os = "linux")]
fn shared_writable_inode(line: &str) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace();
    let rights = fields.nth(1)?;
    if !(rights.contains('w') && rights.contains('s')) {
        return None;
    }
    fields.nth(2)?.parse().ok().filter(|inode| *inode != 0)
}

/// Elsewhere nothing can be asked, and the files are left for a while.
#[cfg(not(target_os = "linux"))]
pub(crate) fn find_writers(_files: &BTreeSet<(u64, u64)>) -> Writers {
    Writers::default()
}
