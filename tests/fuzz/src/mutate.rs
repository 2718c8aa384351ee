//! Changes inputs.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::structure::{Structure, read_number, write_number};

/// Where readers change their mind.
const NUMBERS: [u64; 22] = [
    0,
    1,
    2,
    63,
    64,
    127,
    128,
    255,
    256,
    1_023,
    4_097,
    65_535,
    65_536,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 53,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
/// What readers of text stumble over.
const PIECES: [&str; 16] = [
    "null",
    "true",
    "[",
    "{\"\":",
    "}",
    "\"",
    "\\u0000",
    "\\ud800",
    "-1",
    "1e999",
    "18446744073709551616",
    "../",
    "\u{202e}",
    "\u{1b}[2J",
    "\r\n",
    "\0",
];

/// Makes new inputs of known ones; the same from the same random numbers.
#[derive(Debug)]
pub struct Mutator {
    random: ChaCha8Rng,
    bytes_max: usize,
}

impl Mutator {
    /// Makes inputs of at most about `bytes_max` bytes.
    #[must_use]
    pub fn new(random: ChaCha8Rng, bytes_max: usize) -> Self {
        Self { random, bytes_max }
    }

    /// Makes an input out of one or two of the pool, which must not be empty.
    pub fn mutate(&mut self, structure: &Structure, pool: &[Vec<u8>]) -> Vec<u8> {
        let first = self.one_of(pool);
        let other = self.one_of(pool);
        // Now and then as bytes, so that lengths and checksums are wrong too.
        if self.random.random_range(0..5) > 0
            && let Some(mut fields) = (structure.split)(first)
        {
            let others = (structure.split)(other).unwrap_or_default();
            for _ in 0..self.count() {
                self.change_fields(&mut fields, &others);
            }
            return (structure.join)(&fields);
        }
        let mut bytes = first.clone();
        for _ in 0..self.count() {
            self.change_bytes(&mut bytes, other);
        }
        bytes
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.random.random_range(0..all.len())]
    }

    /// How many changes at once: most often one.
    fn count(&mut self) -> u32 {
        1 + self.random.random::<u8>().trailing_zeros()
    }

    fn change_fields(&mut self, fields: &mut Vec<Vec<u8>>, others: &[Vec<u8>]) {
        if fields.is_empty() {
            return fields.extend(others.first().cloned());
        }
        let place = self.random.random_range(0..fields.len());
        let size: usize = fields.iter().map(Vec::len).sum();
        match self.random.random_range(0..12) {
            0 => drop(fields.remove(place)),
            1 if size < self.bytes_max => {
                let times = self.times();
                let copies = vec![fields[place].clone(); times];
                fields.splice(place..place, copies);
            }
            2 => {
                let with = self.random.random_range(0..fields.len());
                fields.swap(place, with);
            }
            3 if !others.is_empty() => fields[place] = self.one_of(others).clone(),
            4 if !others.is_empty() && size < self.bytes_max => {
                let from = self.random.random_range(0..others.len());
                let until = self.random.random_range(from..others.len().min(from + 8));
                fields.splice(place..place, others[from..=until].iter().cloned());
            }
            _ => {
                let with = if others.is_empty() { Vec::new() } else { self.one_of(others).clone() };
                self.change_bytes(&mut fields[place], &with);
            }
        }
    }

    /// How often something is repeated: mostly once, sometimes beyond small limits.
    fn times(&mut self) -> usize {
        match self.random.random_range(0..20) {
            0 => 300,
            1 => 70,
            2 | 3 => 9,
            _ => 1,
        }
    }

    fn change_bytes(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        if bytes.is_empty() {
            return bytes.extend(other.iter().take(64));
        }
        let place = self.random.random_range(0..bytes.len());
        let end = self.random.random_range(place..bytes.len().min(place + 48)) + 1;
        match self.random.random_range(0..15) {
            0 => bytes[place] ^= 1 << self.random.random_range(0..8),
            1 => bytes[place] = self.random.random(),
            2 => bytes[place] = bytes[place].wrapping_add(self.random.random_range(0..9)).wrapping_sub(4),
            3 => drop(bytes.drain(place..end)),
            4 if bytes.len() < self.bytes_max => {
                let times = self.times();
                let copy = bytes[place..end].repeat(times);
                bytes.splice(place..place, copy);
            }
            5 => bytes.truncate(place),
            6 => {
                let with = [0, 0xff, 0x80, 0x7f][self.random.random_range(0..4)];
                bytes[place..end].fill(with);
            }
            7 => self.change_fixed_number(bytes, place),
            8..=10 => self.change_number(bytes, place),
            11 => self.change_counted(bytes, place),
            12 => self.change_written_number(bytes, place),
            13 => {
                let piece = *self.one_of(&PIECES);
                bytes.splice(place..place, piece.bytes());
            }
            _ if !other.is_empty() => {
                let from = self.random.random_range(0..other.len());
                let until = self.random.random_range(from..other.len().min(from + 64)) + 1;
                bytes.splice(place..end, other[from..until].iter().copied());
            }
            _ => {}
        }
    }

    fn number(&mut self, near: u64) -> u64 {
        match self.random.random_range(0..4) {
            0 => near.wrapping_add(1),
            1 => near.wrapping_sub(1),
            _ => *self.one_of(&NUMBERS),
        }
    }

    /// A number of variable length.
    fn change_number(&mut self, bytes: &mut Vec<u8>, place: usize) {
        let Some((value, length)) = read_number(&bytes[place..]) else { return };
        let mut new = Vec::new();
        let value = self.number(value);
        write_number(&mut new, value);
        bytes.splice(place..place + length, new);
    }

    /// A number of four or eight bytes, either way round.
    fn change_fixed_number(&mut self, bytes: &mut [u8], place: usize) {
        let value = self.number(bytes.len() as u64);
        let little: bool = self.random.random();
        let (four, eight) = match little {
            true => ((value as u32).to_le_bytes(), value.to_le_bytes()),
            false => ((value as u32).to_be_bytes(), value.to_be_bytes()),
        };
        let number: &[u8] = if self.random.random() { &four } else { &eight };
        if let Some(target) = bytes.get_mut(place..place + number.len()) {
            target.copy_from_slice(number);
        }
    }

    /// What looks like a length with as many bytes behind it: cut or lengthened together.
    fn change_counted(&mut self, bytes: &mut Vec<u8>, place: usize) {
        let Some((length, width)) = read_number(&bytes[place..]) else { return };
        let start = place + width;
        let Some(end) = usize::try_from(length).ok().and_then(|length| start.checked_add(length)) else {
            return;
        };
        let Some(counted) = bytes.get(start..end) else { return };
        let mut counted = counted.to_vec();
        match counted.len() {
            0 => counted.push(self.random.random()),
            len if self.random.random() => counted.truncate(self.random.random_range(0..len)),
            len => {
                let times = self.times() + 1;
                counted = counted[..len].repeat(times);
            }
        }
        let mut new = Vec::new();
        write_number(&mut new, counted.len() as u64);
        new.extend(counted);
        bytes.splice(place..end, new);
    }

    /// A number in digits.
    fn change_written_number(&mut self, bytes: &mut Vec<u8>, place: usize) {
        let Some(start) = bytes[place..].iter().position(u8::is_ascii_digit).map(|at| place + at) else {
            return;
        };
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.number(7).to_string();
        bytes.splice(start..start + length, number.bytes());
    }
}
