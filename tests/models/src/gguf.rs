//! Writes model files in the GGUF format, version 3.

/// What a tensor's numbers are stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Four bytes each.
    F32,
    /// Blocks of 32 in 34 bytes: a scale of two bytes and a byte for each.
    Q8,
}

/// A file that is being made.
#[derive(Debug, Default)]
pub struct GgufWriter {
    pairs: Vec<u8>,
    pairs_count: u64,
    tensors: Vec<(String, Vec<u64>, Kind, Vec<u8>)>,
}

const ALIGNMENT: usize = 32;

impl GgufWriter {
    /// Begins a file for an architecture.
    #[must_use]
    pub fn new(architecture: &str) -> Self {
        let mut writer = Self::default();
        writer.text("general.architecture", architecture);
        writer
    }

    fn key(&mut self, key: &str, kind: u32) {
        string(&mut self.pairs, key);
        self.pairs.extend(kind.to_le_bytes());
        self.pairs_count += 1;
    }

    /// Writes a text.
    pub fn text(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        string(&mut self.pairs, value);
    }

    /// Writes a number.
    pub fn number(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.pairs.extend(value.to_le_bytes());
    }

    /// Writes a number with a fraction.
    pub fn fraction(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.pairs.extend(value.to_le_bytes());
    }

    /// Writes yes or no.
    pub fn flag(&mut self, key: &str, value: bool) {
        self.key(key, 7);
        self.pairs.push(u8::from(value));
    }

    /// Writes a list of texts.
    pub fn texts<S: AsRef<str>>(&mut self, key: &str, values: &[S]) {
        self.key(key, 9);
        self.pairs.extend(8_u32.to_le_bytes());
        self.pairs.extend((values.len() as u64).to_le_bytes());
        for value in values {
            string(&mut self.pairs, value.as_ref());
        }
    }

    /// Writes a list of signed numbers.
    pub fn numbers(&mut self, key: &str, values: &[i32]) {
        self.key(key, 9);
        self.pairs.extend(5_u32.to_le_bytes());
        self.pairs.extend((values.len() as u64).to_le_bytes());
        self.pairs.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// Adds a tensor; the length of a row comes first in `dimensions`.
    pub fn tensor(&mut self, name: &str, dimensions: &[usize], kind: Kind, numbers: &[f32]) {
        assert_eq!(dimensions.iter().product::<usize>(), numbers.len(), "{name}");
        let bytes = match kind {
            Kind::F32 => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            Kind::Q8 => q8(numbers),
        };
        let dimensions = dimensions.iter().map(|length| *length as u64).collect();
        self.tensors.push((name.to_owned(), dimensions, kind, bytes));
    }

    /// Gives the file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3_u32.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend(self.pairs_count.to_le_bytes());
        file.extend(&self.pairs);
        let mut offset = 0;
        for (name, dimensions, kind, bytes) in &self.tensors {
            string(&mut file, name);
            file.extend((dimensions.len() as u32).to_le_bytes());
            file.extend(dimensions.iter().flat_map(|length| length.to_le_bytes()));
            file.extend(if *kind == Kind::F32 { 0_u32 } else { 8 }.to_le_bytes());
            file.extend((offset as u64).to_le_bytes());
            offset += bytes.len().next_multiple_of(ALIGNMENT);
        }
        for (_, _, _, bytes) in &self.tensors {
            file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
            file.extend(bytes);
        }
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file
    }
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// Blocks of 32 numbers with a common scale, as ggml's `quantize_row_q8_0` has them.
fn q8(numbers: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(numbers.len() / 32 * 34);
    for block in numbers.chunks(32) {
        let greatest = block.iter().fold(0.0_f32, |greatest, number| greatest.max(number.abs()));
        let scale = greatest / 127.0;
        bytes.extend(half(scale).to_le_bytes());
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        bytes.extend(block.iter().map(|number| ((number * inverse).round() as i8) as u8));
    }
    bytes
}

/// A positive number as IEEE 754 binary16, to the nearest.
fn half(number: f32) -> u16 {
    let bits = number.to_bits();
    let exponent = i32::try_from(bits >> 23 & 0xff).unwrap_or(0) - 127 + 15;
    let mantissa = bits & 0x007f_ffff | 0x0080_0000;
    let (shift, base) = match exponent {
        31.. => return 0x7c00,
        1..31 => (13, (exponent as u32) << 10),
        // Below the least normal number the steps stay as they are.
        -10..1 => (14 - exponent, 0),
        _ => return 0,
    };
    let rounded = (mantissa + (1 << (shift - 1))) >> shift;
    // The hidden one of a normal number is part of its exponent.
    let value = if base > 0 { base + rounded - (1 << 10) } else { rounded };
    u16::try_from(value).unwrap_or(0x7c00)
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn halves_are_right() {
        for (number, bits) in [
            (0.0, 0),
            (1.0, 0x3c00),
            (0.5, 0x3800),
            (65504.0, 0x7bff),
            (1e6, 0x7c00),
            (0.000_061_035_156, 0x0400),
            (5.960_464_5e-8, 1),
            (1.0 / 3.0, 0x3555),
        ] {
            assert_eq!(half(number), bits, "{number}");
        }
    }
}
