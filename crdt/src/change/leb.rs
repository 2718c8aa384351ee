//! Numbers of variable length (LEB128), read only in their shortest form.

use super::ChangeError;

const NOT_SHORTEST: ChangeError =
    ChangeError::NotCanonical { what: "a number is not written in its shortest form" };
const TOO_LARGE: ChangeError = ChangeError::Malformed { what: "a number has more than 64 bits" };

/// Where bytes go.
pub(crate) trait Sink {
    fn put(&mut self, byte: u8);
}

impl Sink for Vec<u8> {
    fn put(&mut self, byte: u8) {
        self.push(byte);
    }
}

impl<A: smallvec::Array<Item = u8>> Sink for smallvec::SmallVec<A> {
    fn put(&mut self, byte: u8) {
        self.push(byte);
    }
}

/// Appends an unsigned number.
pub(crate) fn write_unsigned(out: &mut impl Sink, mut value: u64) {
    while value >= 0x80 {
        out.put(value as u8 | 0x80);
        value >>= 7;
    }
    out.put(value as u8);
}

/// Appends a signed number.
pub(crate) fn write_signed(out: &mut impl Sink, mut value: i64) {
    while !(-64..64).contains(&value) {
        out.put(value as u8 | 0x80);
        value >>= 7;
    }
    out.put(value as u8 & 0x7f);
}

/// Reads fields one after the other and never past the end.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Borrows everything that was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn take(&mut self, length: u64) -> Result<&'a [u8], ChangeError> {
        let length = usize::try_from(length).map_err(|_| ChangeError::Truncated)?;
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(ChangeError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ChangeError> {
        let (&byte, rest) = self.bytes.split_first().ok_or(ChangeError::Truncated)?;
        self.bytes = rest;
        Ok(byte)
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, ChangeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(TOO_LARGE);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(NOT_SHORTEST) } else { Ok(value) };
            }
        }
        Err(TOO_LARGE)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, ChangeError> {
        let mut value = 0i64;
        let mut before = 0u8;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                return Err(TOO_LARGE);
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // The last byte says nothing new when it only repeats the sign bit of the one before.
                let sign = before & 0x40 != 0;
                if shift > 0 && ((byte == 0 && !sign) || (byte == 0x7f && sign)) {
                    return Err(NOT_SHORTEST);
                }
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1 << (shift + 7);
                }
                return Ok(value);
            }
            before = byte;
        }
        Err(TOO_LARGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_survive() {
        for bit in 0..64 {
            for value in [(1u64 << bit) - 1, 1 << bit, (1 << bit) | 1, u64::MAX >> bit] {
                let mut bytes = Vec::new();
                write_unsigned(&mut bytes, value);
                assert_eq!(Reader::new(&bytes).unsigned(), Ok(value));
                for value in [value as i64, (value as i64).wrapping_neg()] {
                    bytes.clear();
                    write_signed(&mut bytes, value);
                    let mut reader = Reader::new(&bytes);
                    assert_eq!(reader.signed(), Ok(value), "{bytes:x?}");
                    assert!(reader.is_empty());
                }
            }
        }
    }

    #[test]
    fn longer_forms_and_overflows_are_refused() {
        assert_eq!(Reader::new(&[0x80, 0]).unsigned(), Err(NOT_SHORTEST));
        assert_eq!(Reader::new(&[0x80, 0]).signed(), Err(NOT_SHORTEST));
        assert_eq!(Reader::new(&[0xff, 0x7f]).signed(), Err(NOT_SHORTEST));
        assert_eq!(Reader::new(&[0xff, 0x00]).signed(), Ok(127));
        assert_eq!(Reader::new(&[0x80, 0x7f]).signed(), Ok(-128));
        assert_eq!(Reader::new(&[0xff; 10]).unsigned(), Err(TOO_LARGE));
        assert_eq!(Reader::new(&[0xff; 10]).signed(), Err(TOO_LARGE));
        assert_eq!(Reader::new(&[0xff]).signed(), Err(ChangeError::Truncated));
    }
}
