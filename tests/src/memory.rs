//! What a process has in its memory.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
};

/// How much is read at once; parts overlap by the longest thing that is looked for.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// Looks for each of these in everything that a process has mapped and may read; says which are there, and how many
/// bytes were searched.
///
/// # Errors
/// When the process is gone, or belongs to somebody else.
pub fn search(pid: u32, wanted: &[&[u8]]) -> io::Result<(Vec<bool>, u64)> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let overlap = wanted.iter().map(|part| part.len()).max().unwrap_or_default();
    let (mut found, mut searched) = (vec![false; wanted.len()], 0);
    let mut bytes = vec![0; PART_BYTES + overlap];
    for (begin, end) in maps.lines().filter_map(readable) {
        let mut at = begin;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(bytes.len());
            // Some regions of the kernel's own cannot be read by anybody, and others may be gone by now.
            let Ok(length) = memory.read_at(&mut bytes[..length], at) else { break };
            for (found, wanted) in found.iter_mut().zip(wanted) {
                *found = *found || holds(&bytes[..length], wanted);
            }
            let step = length.min(PART_BYTES) as u64;
            if step == 0 {
                break;
            }
            (at, searched) = (at + step, searched + step);
        }
    }
    Ok((found, searched))
}

/// The ends of a region, from a line such as `7f00-7f10 rw-p …`.
fn readable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (begin, end) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    rest.starts_with('r').then_some((number(begin)?, number(end)?))
}

/// Whether some bytes hold others.
pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    // Most of a process' memory is zero: looking for one byte first is many times faster.
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        if bytes[from + at + 1..].starts_with(rest) {
            return true;
        }
        from += at + 1;
    }
    false
}
