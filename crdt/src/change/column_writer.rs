//! Columns of a change, written in the one form that Automerge writes.
//!
//! Every writer takes a value with a count, so a long run costs as much as one operation.

use smallvec::SmallVec;

use super::leb::{write_signed, write_unsigned};

/// Bytes of one column; those of a keystroke fit without an allocation.
pub(crate) type ColumnBytes = SmallVec<[u8; 24]>;

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
pub(crate) struct RunWriter<T> {
    out: ColumnBytes,
    /// The last value and how often it came, not written yet.
    value: Option<T>,
    count: u64,
    /// Values that stood alone before it, not written yet either: their number must come first.
    literal: ColumnBytes,
    literal_count: u64,
    has_values: bool,
}

impl<T: ColumnValue> RunWriter<T> {
    pub(crate) fn new() -> Self {
        Self {
            out: ColumnBytes::new(),
            value: None,
            count: 0,
            literal: ColumnBytes::new(),
            literal_count: 0,
            has_values: false,
        }
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

    /// Ends the column; one without any value is not written at all.
    pub(crate) fn finish(mut self) -> ColumnBytes {
        if !self.has_values {
            return ColumnBytes::new();
        }
        self.flush();
        self.flush_literal();
        self.out
    }

    fn flush(&mut self) {
        match (self.value, self.count) {
            (_, 0) => {}
            (None, count) => {
                self.flush_literal();
                self.out.push(0);
                write_unsigned(&mut self.out, count);
            }
            (Some(value), 1) => {
                value.write(&mut self.literal);
                self.literal_count += 1;
            }
            (Some(value), count) => {
                self.flush_literal();
                write_signed(&mut self.out, count as i64);
                value.write(&mut self.out);
            }
        }
        self.count = 0;
    }

    fn flush_literal(&mut self) {
        if self.literal_count > 0 {
            write_signed(&mut self.out, -(self.literal_count as i64));
            self.out.extend_from_slice(&self.literal);
            self.literal.clear();
            self.literal_count = 0;
        }
    }
}

/// Writes counters as differences to the counter before.
pub(crate) struct DeltaWriter {
    runs: RunWriter<i64>,
    base: i64,
}

impl DeltaWriter {
    pub(crate) fn new() -> Self {
        Self { runs: RunWriter::new(), base: 0 }
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

    pub(crate) fn finish(self) -> ColumnBytes {
        self.runs.finish()
    }
}

/// Writes how often no and yes follow each other, beginning with no.
pub(crate) struct BoolWriter {
    out: ColumnBytes,
    value: bool,
    count: u64,
}

impl BoolWriter {
    pub(crate) fn new() -> Self {
        Self { out: ColumnBytes::new(), value: false, count: 0 }
    }

    pub(crate) fn push(&mut self, value: bool, count: u64) {
        if count == 0 {
            return;
        }
        if value != self.value {
            write_unsigned(&mut self.out, self.count);
            self.value = value;
            self.count = 0;
        }
        self.count += count;
    }

    pub(crate) fn finish(mut self) -> ColumnBytes {
        if self.count > 0 {
            write_unsigned(&mut self.out, self.count);
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[Option<u64>], expected: &[u8]) {
        let mut writer = RunWriter::new();
        for value in values {
            writer.push(*value, 1);
        }
        assert_eq!(writer.finish().as_slice(), expected);
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
    }

    #[test]
    fn counters_are_written_as_differences() {
        let mut writer = DeltaWriter::new();
        writer.push_sequence(10, 3);
        writer.push_nulls(1);
        writer.push_sequence(5, 1);
        assert_eq!(writer.finish().as_slice(), [0x7f, 10, 2, 1, 0, 1, 0x7f, 0x79]);
    }

    #[test]
    fn booleans_begin_with_no() {
        let mut writer = BoolWriter::new();
        writer.push(true, 2);
        writer.push(false, 1);
        assert_eq!(writer.finish().as_slice(), [0, 2, 1]);
        assert!(BoolWriter::new().finish().is_empty());
    }
}
