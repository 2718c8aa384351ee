//! Columns of a change, written in the one form that Automerge writes.
//!
//! Columns are written one after the other into one buffer. Every writer takes a value with a count, so a long run costs
//! as much as one operation.

use smallvec::SmallVec;

use super::leb::{write_signed, write_unsigned};

/// Columns one behind the other; those of a keystroke fit without an allocation.
pub(crate) type ColumnBytes = SmallVec<[u8; 128]>;

/// A value that a run-length column holds.
pub(crate) trait ColumnValue: Copy + PartialEq {
    fn write(self, out: &mut ColumnBytes);
}

impl ColumnValue for u64 {
    fn write(self, out: &mut ColumnBytes) {
        write_unsigned(out, self);
    }
}

impl ColumnValue for i64 {
    fn write(self, out: &mut ColumnBytes) {
        write_signed(out, self);
    }
}

impl ColumnValue for &str {
    fn write(self, out: &mut ColumnBytes) {
        write_unsigned(out, self.len() as u64);
        out.extend_from_slice(self.as_bytes());
    }
}

/// Writes runs of equal values, literals of unequal ones and runs of nothing.
pub(crate) struct RunWriter<'o, T> {
    out: &'o mut ColumnBytes,
    /// Where the column begins.
    from: usize,
    /// The last value and how often it came, not written yet.
    value: Option<T>,
    count: u64,
    /// Where the values begin that stood alone before it, whose number is not written yet.
    literal_from: usize,
    literal_count: u64,
    has_values: bool,
}

impl<'o, T: ColumnValue> RunWriter<'o, T> {
    pub(crate) fn new(out: &'o mut ColumnBytes) -> Self {
        let from = out.len();
        Self { out, from, value: None, count: 0, literal_from: from, literal_count: 0, has_values: false }
    }

    pub(crate) fn push(&mut self, value: Option<T>, count: u64) {
        if count == 0 {
            return;
        }
        if self.count > 0 && self.value == value {
            self.count += count;
            return;
        }
        self.flush();
        self.has_values |= value.is_some();
        self.value = value;
        self.count = count;
    }

    /// Ends the column and gives its length; one without any value is not written at all.
    pub(crate) fn finish(mut self) -> usize {
        if self.has_values {
            self.flush();
            self.flush_literal();
        } else {
            self.out.truncate(self.from);
        }
        self.out.len() - self.from
    }

    fn flush(&mut self) {
        match (self.value, self.count) {
            (_, 0) => {}
            (None, count) => {
                self.flush_literal();
                self.out.push(0);
                write_unsigned(self.out, count);
            }
            (Some(value), 1) => {
                if self.literal_count == 0 {
                    self.literal_from = self.out.len();
                    // Room for the number of values, which nearly always takes one byte.
                    self.out.push(0);
                }
                value.write(self.out);
                self.literal_count += 1;
            }
            (Some(value), count) => {
                self.flush_literal();
                write_signed(self.out, count as i64);
                value.write(self.out);
            }
        }
        self.count = 0;
    }

    /// Puts the number of values that stood alone before them.
    fn flush_literal(&mut self) {
        if self.literal_count == 0 {
            return;
        }
        let mut header: SmallVec<[u8; 16]> = SmallVec::new();
        write_signed(&mut header, -(self.literal_count as i64));
        if let Some((first, rest)) = header.split_first() {
            self.out[self.literal_from] = *first;
            if !rest.is_empty() {
                self.out.insert_from_slice(self.literal_from + 1, rest);
            }
        }
        self.literal_count = 0;
    }
}

/// Writes counters as differences to the counter before.
pub(crate) struct DeltaWriter<'o> {
    runs: RunWriter<'o, i64>,
    base: i64,
}

impl<'o> DeltaWriter<'o> {
    pub(crate) fn new(out: &'o mut ColumnBytes) -> Self {
        Self { runs: RunWriter::new(out), base: 0 }
    }

    /// Appends `count` consecutive counters.
    pub(crate) fn push_sequence(&mut self, first: u32, count: u64) {
        if count == 0 {
            return;
        }
        let first = i64::from(first);
        self.runs.push(Some(first - self.base), 1);
        self.runs.push(Some(1), count - 1);
        self.base = first + (count as i64 - 1);
    }

    pub(crate) fn push_nulls(&mut self, count: u64) {
        self.runs.push(None, count);
    }

    pub(crate) fn finish(self) -> usize {
        self.runs.finish()
    }
}

/// Writes how often no and yes follow each other, beginning with no.
pub(crate) struct BoolWriter<'o> {
    out: &'o mut ColumnBytes,
    from: usize,
    value: bool,
    count: u64,
}

impl<'o> BoolWriter<'o> {
    pub(crate) fn new(out: &'o mut ColumnBytes) -> Self {
        let from = out.len();
        Self { out, from, value: false, count: 0 }
    }

    pub(crate) fn push(&mut self, value: bool, count: u64) {
        if count == 0 {
            return;
        }
        if value != self.value {
            write_unsigned(self.out, self.count);
            self.value = value;
            self.count = 0;
        }
        self.count += count;
    }

    pub(crate) fn finish(self) -> usize {
        if self.count > 0 {
            write_unsigned(self.out, self.count);
        }
        self.out.len() - self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[Option<u64>], expected: &[u8]) {
        let mut out: ColumnBytes = SmallVec::from_slice(&[9, 9]);
        let mut writer = RunWriter::new(&mut out);
        for value in values {
            writer.push(*value, 1);
        }
        assert_eq!(writer.finish(), expected.len());
        assert_eq!(out[2..], *expected);
    }

    #[test]
    fn runs_are_written_as_automerge_writes_them() {
        check(&[], &[]);
        check(&[None, None], &[]);
        check(&[Some(5)], &[0x7f, 5]);
        check(&[Some(5), Some(6), Some(6)], &[0x7f, 5, 2, 6]);
        check(&[Some(5), Some(6), Some(7)], &[0x7d, 5, 6, 7]);
        check(&[Some(5), Some(5), Some(7)], &[2, 5, 0x7f, 7]);
        check(&[None, Some(7), None], &[0, 1, 0x7f, 7, 0, 1]);
        let many: Vec<_> = (0..100).map(Some).collect();
        let header = [0x9c, 0x7f];
        check(&many, &header.into_iter().chain(0..100).collect::<Vec<u8>>());
        check(&[Some(1), Some(2), None, Some(3), Some(4)], &[0x7e, 1, 2, 0, 1, 0x7e, 3, 4]);
    }

    #[test]
    fn counters_are_written_as_differences() {
        let mut out = ColumnBytes::new();
        let mut writer = DeltaWriter::new(&mut out);
        writer.push_sequence(10, 3);
        writer.push_nulls(1);
        writer.push_sequence(5, 1);
        assert_eq!(writer.finish(), 8);
        assert_eq!(out.as_slice(), [0x7f, 10, 2, 1, 0, 1, 0x7f, 0x79]);
    }

    #[test]
    fn booleans_begin_with_no() {
        let mut out = ColumnBytes::new();
        let mut writer = BoolWriter::new(&mut out);
        writer.push(true, 2);
        writer.push(false, 1);
        assert_eq!(writer.finish(), 3);
        assert_eq!(BoolWriter::new(&mut out).finish(), 0);
        assert_eq!(out.as_slice(), [0, 2, 1]);
    }
}
