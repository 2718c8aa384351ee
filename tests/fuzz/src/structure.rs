//! What inputs are made of, so that a mutation changes one thing and the rest stays right.

/// Takes an input apart into fields, and makes an input of fields: with the lengths, counts, checksums and signatures
/// that belong to them, so that the reader comes as far as the field that was changed.
#[derive(Debug, Clone, Copy)]
pub struct Structure {
    /// None when the input is not made of fields; then its bytes are mutated as they are.
    pub split: fn(&[u8]) -> Option<Vec<Vec<u8>>>,
    /// Must take whatever fields it is given, in any number.
    pub join: fn(&[Vec<u8>]) -> Vec<u8>,
}

/// Bytes without further structure.
pub const WHOLE: Structure =
    Structure { split: |bytes| Some(vec![bytes.to_vec()]), join: <[Vec<u8>]>::concat };

/// Records, each with its length (LEB128) in front.
pub const RECORDS: Structure = Structure { split: split_records, join: join_records };

fn split_records(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = bytes;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (length, width) = read_number(rest)?;
        let (record, after) = rest[width..].split_at_checked(usize::try_from(length).ok()?)?;
        records.push(record.to_vec());
        rest = after;
    }
    Some(records)
}

fn join_records(records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        write_number(&mut bytes, record.len() as u64);
        bytes.extend(record);
    }
    bytes
}

/// Text, cut before and after every mark that structures JSON and settings.
pub const TEXT_PARTS: Structure =
    Structure { split: |bytes| Some(cut_at_marks(bytes)), join: <[Vec<u8>]>::concat };

fn cut_at_marks(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut inside = false;
    for byte in bytes {
        let mark = b"{}[]:,\"\n".contains(byte);
        match parts.last_mut() {
            Some(part) if inside && !mark => part.push(*byte),
            _ => parts.push(vec![*byte]),
        }
        inside = !mark;
    }
    parts
}

/// Lines; each keeps its end.
pub const LINES: Structure = Structure {
    split: |bytes| Some(bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()),
    join: <[Vec<u8>]>::concat,
};

/// Variable-length numbers (LEB128), one after the other: each is a field.
#[must_use]
pub fn numbers(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| byte & 0x80 == 0).map(<[u8]>::to_vec).collect()
}

/// Reads an unsigned LEB128 number; gives it and how many bytes it has.
#[must_use]
pub fn read_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

/// Writes an unsigned LEB128 number.
pub fn write_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
