//! Columns of a change, read as runs.
//!
//! A reader shows its present value and how often that value still comes, so that a long run of operations is read
//! in one step. Readers are lenient about form, because the parser writes the columns again and compares.

use super::ChangeError;
use super::leb::Reader;

/// A value that a run-length column holds.
pub(crate) trait ReadValue<'a>: Copy + Default {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ChangeError>;
}

impl ReadValue<'_> for u64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ChangeError> {
        reader.unsigned()
    }
}

impl ReadValue<'_> for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ChangeError> {
        reader.signed()
    }
}

impl<'a> ReadValue<'a> for &'a str {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ChangeError> {
        let length = reader.unsigned()?;
        std::str::from_utf8(reader.take(length)?)
            .map_err(|_| ChangeError::Malformed { what: "a key is not valid UTF-8" })
    }
}

/// Reads a run-length column; behind its end it goes on with nothing.
#[derive(Debug, Clone)]
pub(crate) struct RunReader<'a, T> {
    reader: Reader<'a>,
    value: Option<T>,
    left: u64,
    literal_left: u64,
}

impl<'a, T: ReadValue<'a>> RunReader<'a, T> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), value: None, left: 0, literal_left: 0 }
    }

    /// Shows the present value and how often it comes from here on, at least once.
    pub(crate) fn peek(&mut self) -> Result<(Option<T>, u64), ChangeError> {
        while self.left == 0 {
            self.fill()?;
        }
        Ok((self.value, self.left))
    }

    /// Leaves `count` values behind, at most as many as the last look promised.
    pub(crate) fn advance(&mut self, count: u64) {
        debug_assert!(count <= self.left);
        self.left -= count;
    }

    pub(crate) fn next(&mut self) -> Result<Option<T>, ChangeError> {
        let (value, _) = self.peek()?;
        self.left -= 1;
        Ok(value)
    }

    fn fill(&mut self) -> Result<(), ChangeError> {
        if self.literal_left > 0 {
            self.literal_left -= 1;
            self.value = Some(T::read(&mut self.reader)?);
            self.left = 1;
        } else if self.reader.is_empty() {
            self.value = None;
            self.left = u64::MAX;
        } else {
            match self.reader.signed()? {
                0 => {
                    self.value = None;
                    self.left = self.reader.unsigned()?;
                }
                count if count > 0 => {
                    self.value = Some(T::read(&mut self.reader)?);
                    self.left = count as u64;
                }
                count => self.literal_left = count.unsigned_abs(),
            }
        }
        Ok(())
    }
}

/// Sums the lengths of a column's runs without reading them out, refusing more than `limit`.
pub(crate) fn count_values(bytes: &[u8], limit: u64) -> Result<u64, ChangeError> {
    let too_many = ChangeError::Limit { what: "operations", limit };
    let mut reader = Reader::new(bytes);
    let mut sum = 0u64;
    while !reader.is_empty() {
        let header = reader.signed()?;
        let count = match header {
            0 => reader.unsigned()?,
            _ => header.unsigned_abs(),
        };
        sum = sum.checked_add(count).filter(|sum| *sum <= limit).ok_or_else(|| too_many.clone())?;
        let values = if header > 0 { 1 } else { header.unsigned_abs() };
        for _ in 0..values {
            reader.unsigned()?;
        }
    }
    Ok(sum)
}

/// Reads counters that are written as differences.
#[derive(Debug, Clone)]
pub(crate) struct DeltaReader<'a> {
    runs: RunReader<'a, i64>,
    base: i64,
}

/// Counters that follow each other at an even distance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CounterRun {
    /// The first counter, `None` for nothing.
    pub(crate) first: Option<u32>,
    /// Whether each of the others is one more than the one before.
    pub(crate) is_sequence: bool,
    /// How many there are.
    pub(crate) count: u64,
}

impl<'a> DeltaReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { runs: RunReader::new(bytes), base: 0 }
    }

    pub(crate) fn peek(&mut self) -> Result<CounterRun, ChangeError> {
        let (delta, count) = self.runs.peek()?;
        let first = match delta {
            Some(delta) => Some(self.counter(delta, 1)?),
            None => None,
        };
        Ok(CounterRun { first, is_sequence: delta == Some(1), count })
    }

    pub(crate) fn advance(&mut self, count: u64) -> Result<(), ChangeError> {
        if let (Some(delta), _) = self.runs.peek()? {
            self.base = i64::from(self.counter(delta, count)?);
        }
        self.runs.advance(count);
        Ok(())
    }

    pub(crate) fn next(&mut self) -> Result<Option<u32>, ChangeError> {
        let run = self.peek()?;
        self.advance(1)?;
        Ok(run.first)
    }

    /// The counter after `steps` steps of `delta`.
    fn counter(&self, delta: i64, steps: u64) -> Result<u32, ChangeError> {
        i64::try_from(steps)
            .ok()
            .and_then(|steps| delta.checked_mul(steps))
            .and_then(|distance| self.base.checked_add(distance))
            .and_then(|counter| u32::try_from(counter).ok())
            .ok_or(ChangeError::Malformed { what: "a counter has more than 32 bits" })
    }
}

/// Reads a column of yes and no.
#[derive(Debug, Clone)]
pub(crate) struct BoolReader<'a> {
    reader: Reader<'a>,
    value: bool,
    left: u64,
}

impl<'a> BoolReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            // The first count is for no, so the value before it is yes.
            value: true,
            left: 0,
        }
    }

    pub(crate) fn peek(&mut self) -> Result<(bool, u64), ChangeError> {
        while self.left == 0 {
            if self.reader.is_empty() {
                self.value = false;
                self.left = u64::MAX;
            } else {
                self.left = self.reader.unsigned()?;
                self.value = !self.value;
            }
        }
        Ok((self.value, self.left))
    }

    pub(crate) fn advance(&mut self, count: u64) {
        debug_assert!(count <= self.left);
        self.left -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_in_runs() {
        let mut reader = RunReader::<u64>::new(&[0, 1, 0x7e, 7, 8, 3, 9]);
        let mut values = Vec::new();
        for _ in 0..7 {
            values.push(reader.next().unwrap());
        }
        assert_eq!(values, [None, Some(7), Some(8), Some(9), Some(9), Some(9), None]);
    }

    #[test]
    fn counting_stops_at_the_limit_without_reading_on() {
        assert_eq!(count_values(&[3, 1, 0x7e, 1, 2, 0, 4], 9), Ok(9));
        assert!(count_values(&[3, 1, 0x7e, 1, 2, 0, 4], 8).is_err());
        let mut huge = Vec::new();
        super::super::leb::write_signed(&mut huge, i64::MIN);
        assert!(count_values(&huge, 100).is_err());
    }

    #[test]
    fn counters_beyond_32_bits_are_refused() {
        let mut bytes = vec![2];
        super::super::leb::write_signed(&mut bytes, i64::MAX);
        assert!(DeltaReader::new(&bytes).peek().is_err());
        assert!(DeltaReader::new(&[0x7f, 0x7f]).peek().is_err());
    }
}
