//! What a model file says about itself, read without trusting it.
//!
//! The format is that of ggml's `docs/gguf.md`, versions 2 and 3. The engine reads these files in C++ that ends its process when
//! a number is not what it expects; so every number is checked here first, and a file that could not be computed with is
//! refused with a reason.

use std::io::{self, Read};

use crate::limits::{
    GGUF_ARRAY_MAX, GGUF_BLOCKS_MAX, GGUF_HEADER_BYTES_MAX, GGUF_PAIRS_MAX, GGUF_STRING_BYTES_MAX,
    GGUF_TENSORS_MAX,
};

/// Memory of a card that the buffers of a step take.
const CARD_SPARE_BYTES: u64 = 256 * 1024 * 1024;

/// Why a file is no model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// It ends in the middle, or cannot be read.
    #[error("the file is cut off or cannot be read")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("the file is no model in the GGUF format")]
    NotGguf,
    /// It is of a version of the format that is not known.
    #[error("the file is of version {version} of the GGUF format, 2 and 3 are known")]
    Version {
        /// Its version.
        version: u32,
    },
    /// A number in it cannot be right.
    #[error("the file is damaged: {what}")]
    Damaged {
        /// Which.
        what: String,
    },
}

fn damaged(what: impl Into<String>) -> GgufError {
    GgufError::Damaged { what: what.into() }
}

/// What a model file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GgufSummary {
    /// The architecture, such as `llama`.
    pub architecture: String,
    /// The name its makers gave it.
    pub name: Option<String>,
    /// The licence.
    pub license: Option<String>,
    /// The form of its chats.
    pub chat_template: Option<String>,
    /// Tokens that it was made for.
    pub context_tokens: u64,
    /// Layers.
    pub blocks: u64,
    /// Numbers of an embedding.
    pub embedding_numbers: u64,
    /// Heads of attention.
    pub heads: u64,
    /// Heads of attention whose keys and values are kept.
    pub heads_kept: u64,
    /// Tokens of the vocabulary.
    pub vocabulary: u64,
    /// How the embeddings of tokens become one; 0 for not at all.
    pub pooling: u64,
    /// Whether it was taught to fill in the middle.
    pub can_fill: bool,
    /// Parameters.
    pub parameters: u64,
    /// Bytes of the numbers that it computes with.
    pub tensor_bytes: u64,
}

impl GgufSummary {
    /// Whether it makes embeddings and no text.
    #[must_use]
    pub fn is_embedding(&self) -> bool {
        self.pooling != 0
            || matches!(self.architecture.as_str(), "bert" | "nomic-bert" | "jina-bert-v2" | "modern-bert")
    }

    /// Bytes that a context of so many tokens takes, with keys and values of two bytes each.
    #[must_use]
    pub fn context_bytes(&self, tokens: u64) -> u64 {
        if self.is_embedding() {
            return 0;
        }
        let head = self.embedding_numbers.checked_div(self.heads).unwrap_or(128).max(64);
        let kept = if self.heads_kept == 0 { self.heads.max(1) } else { self.heads_kept };
        tokens.saturating_mul(self.blocks).saturating_mul(kept).saturating_mul(head).saturating_mul(4)
    }

    /// Layers that fit into so much memory of a card, each with its part of a context; the output counts as one more. What
    /// does not fit is computed by the processor.
    #[must_use]
    pub fn layers_that_fit(&self, context_tokens: u64, memory_bytes: u64) -> u32 {
        let usable = memory_bytes.saturating_sub(memory_bytes / 10).saturating_sub(CARD_SPARE_BYTES);
        let layers = self.blocks.saturating_add(1);
        let layer = (self.tensor_bytes.div_ceil(layers))
            .saturating_add(self.context_bytes(context_tokens).div_ceil(self.blocks.max(1)))
            .max(1);
        u32::try_from((usable / layer).min(layers)).unwrap_or(u32::MAX)
    }
}

/// Reads the header of a file of `file_bytes`.
///
/// # Errors
/// When the engine could not compute with it.
pub fn read(reader: impl Read, file_bytes: u64) -> Result<GgufSummary, GgufError> {
    let mut header = Header { reader: reader.take(GGUF_HEADER_BYTES_MAX), read: 0 };
    let mut magic = [0; 4];
    header.bytes(&mut magic).map_err(|_| GgufError::NotGguf)?;
    if &magic != b"GGUF" {
        return Err(GgufError::NotGguf);
    }
    let version = header.u32()?;
    if !(2..=3).contains(&version) {
        return Err(GgufError::Version { version });
    }
    let (tensors, pairs) = (header.u64()?, header.u64()?);
    if tensors > GGUF_TENSORS_MAX || pairs > GGUF_PAIRS_MAX {
        return Err(damaged(format!("it claims {tensors} tensors and {pairs} properties")));
    }
    let mut properties = Properties::default();
    for _ in 0..pairs {
        let name = header.string(256)?;
        let kind = header.u32()?;
        let value = header.value(kind, 0)?;
        properties.0.push((name, value));
    }
    let mut summary = properties.summary()?;
    header.tensors(
        tensors,
        properties.number("general.alignment").unwrap_or(32),
        file_bytes,
        &mut summary,
    )?;
    Ok(summary)
}

/// A property, as far as anybody asks for it.
enum Value {
    Number(u64),
    Text(String),
    /// So many elements, and the greatest when they are small numbers.
    Array(u64, Option<u64>),
    Other,
}

#[derive(Default)]
struct Properties(Vec<(String, Value)>);

impl Properties {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn number(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Number(number) => Some(*number),
            // Some models have a number for each layer.
            Value::Array(_, greatest) => *greatest,
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn summary(&self) -> Result<GgufSummary, GgufError> {
        let architecture =
            self.text("general.architecture").ok_or_else(|| damaged("it does not say its architecture"))?;
        let known = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
        if architecture.is_empty() || architecture.len() > 64 || !architecture.bytes().all(known) {
            return Err(damaged("its architecture has no name"));
        }
        let number = |name: &str| self.number(&format!("{architecture}.{name}"));
        let bounded = |name: &str, least: u64, most: u64| match number(name) {
            Some(value) if (least..=most).contains(&value) => Ok(value),
            Some(value) => Err(damaged(format!("{name} is {value}"))),
            None => Err(damaged(format!("it does not say its {name}"))),
        };
        let vocabulary = match self.get("tokenizer.ggml.tokens") {
            Some(Value::Array(length, _)) => *length,
            _ => return Err(damaged("it has no vocabulary")),
        };
        let fill = ["prefix", "fim_pre"];
        let has_fill = |name: &&str| self.number(&format!("tokenizer.ggml.{name}_token_id")).is_some();
        Ok(GgufSummary {
            blocks: bounded("block_count", 1, GGUF_BLOCKS_MAX)?,
            context_tokens: bounded("context_length", 1, 1 << 26)?,
            embedding_numbers: bounded("embedding_length", 1, 1 << 20)?,
            heads: number("attention.head_count").unwrap_or(0).min(1 << 16),
            heads_kept: number("attention.head_count_kv").unwrap_or(0).min(1 << 16),
            pooling: number("pooling_type").unwrap_or(0),
            name: self.text("general.name"),
            license: self.text("general.license"),
            chat_template: self.text("tokenizer.chat_template"),
            can_fill: fill.iter().any(has_fill),
            vocabulary,
            architecture,
            ..GgufSummary::default()
        })
    }
}

struct Header<R> {
    reader: io::Take<R>,
    read: u64,
}

impl<R: Read> Header<R> {
    fn bytes(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.read += bytes.len() as u64;
        self.reader.read_exact(bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn string(&mut self, bytes_max: u64) -> Result<String, GgufError> {
        let length = self.u64()?;
        if length > bytes_max {
            return Err(damaged(format!("a text in it claims {length} bytes")));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(length).read_to_end(&mut bytes)? as u64;
        self.read += read;
        if read < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, length: u64) -> Result<(), GgufError> {
        let skipped = io::copy(&mut (&mut self.reader).take(length), &mut io::sink())?;
        self.read += skipped;
        if skipped < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    fn value(&mut self, kind: u32, depth: u32) -> Result<Value, GgufError> {
        let mut one = [0; 1];
        let mut two = [0; 2];
        Ok(match kind {
            0 | 1 | 7 => {
                self.bytes(&mut one)?;
                Value::Number(u64::from(one[0]))
            }
            2 | 3 => {
                self.bytes(&mut two)?;
                Value::Number(u64::from(u16::from_le_bytes(two)))
            }
            4 | 5 => Value::Number(u64::from(self.u32()?)),
            6 => {
                self.skip(4)?;
                Value::Other
            }
            8 => Value::Text(self.string(GGUF_STRING_BYTES_MAX)?),
            9 if depth < 2 => self.array(depth)?,
            10 | 11 => Value::Number(self.u64()?),
            12 => {
                self.skip(8)?;
                Value::Other
            }
            _ => return Err(damaged(format!("a property has the type {kind}"))),
        })
    }

    fn array(&mut self, depth: u32) -> Result<Value, GgufError> {
        let (kind, length) = (self.u32()?, self.u64()?);
        if length > GGUF_ARRAY_MAX {
            return Err(damaged(format!("a list in it claims {length} elements")));
        }
        let bytes_each = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            6 => 4,
            12 => 8,
            _ => 0,
        };
        if bytes_each > 0 {
            self.skip(bytes_each * length)?;
            return Ok(Value::Array(length, None));
        }
        let mut greatest = None;
        for _ in 0..length {
            if kind == 8 {
                let bytes = self.u64()?;
                if bytes > GGUF_STRING_BYTES_MAX {
                    return Err(damaged(format!("a text in it claims {bytes} bytes")));
                }
                self.skip(bytes)?;
            } else if let Value::Number(number) = self.value(kind, depth + 1)? {
                greatest = greatest.max(Some(number));
            }
        }
        Ok(Value::Array(length, greatest))
    }

    fn tensors(
        &mut self,
        count: u64,
        alignment: u64,
        file_bytes: u64,
        summary: &mut GgufSummary,
    ) -> Result<(), GgufError> {
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(damaged(format!("it is aligned to {alignment}")));
        }
        let mut end = 0_u64;
        for _ in 0..count {
            let name = self.string(256)?;
            let dimensions = self.u32()?;
            if !(1..=4).contains(&dimensions) {
                return Err(damaged(format!("{name:?} has {dimensions} dimensions")));
            }
            let mut elements = 1_u64;
            for _ in 0..dimensions {
                let length = self.u64()?;
                let product =
                    elements.checked_mul(length).filter(|product| *product > 0 && *product < 1 << 48);
                elements = product.ok_or_else(|| damaged(format!("{name:?} has an impossible size")))?;
            }
            let (kind, offset) = (self.u32()?, self.u64()?);
            let Some(bytes) = bytes_of(kind, elements) else {
                return Err(damaged(format!("{name:?} has the type {kind}, which is not known")));
            };
            if offset % alignment != 0 {
                return Err(damaged(format!("{name:?} does not lie where it should")));
            }
            let tensor_end =
                offset.checked_add(bytes).ok_or_else(|| damaged(format!("{name:?} lies nowhere")))?;
            end = end.max(tensor_end);
            summary.parameters += elements;
            summary.tensor_bytes = summary.tensor_bytes.saturating_add(bytes);
        }
        let start = self.read.next_multiple_of(alignment);
        let needed = start.saturating_add(end);
        if needed > file_bytes {
            return Err(damaged(format!("{} bytes are missing at its end", needed - file_bytes)));
        }
        Ok(())
    }
}

/// Bytes that so many elements of a type of ggml take: its block's length and bytes (`ggml.c`, `type_traits`).
fn bytes_of(kind: u32, elements: u64) -> Option<u64> {
    let (block, bytes) = match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        24 => (1, 1),
        27 | 28 => (1, 8),
        29 => (256, 56),
        34 => (256, 54),
        35 => (256, 66),
        39 => (32, 17),
        _ => return None,
    };
    Some(elements.div_ceil(block) * bytes)
}

#[cfg(test)]
mod tests;
