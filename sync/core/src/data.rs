//! What a Data entry says once it is opened: changes of documents.
//!
//! [`DataPlain`] is the value, [`DataPlain::encode`] and [`DataPlain::decode`] its codec, and
//! [`pack`] fills as few entries as possible with many items.

use serde::{Deserialize, Serialize};
use weft_crdt::ids::{ActorId, ChangeHash, DocumentId};

use crate::ids::{LogId, WallMillis};
use crate::limits::{
    CHANGE_BYTES_MAX, DATA_ITEMS_MAX, DATA_PLAIN_BYTES_MAX, ENTRY_RAW_BYTES_MAX, ITEM_RAW_BYTES_MAX,
    ORIGIN_NAME_BYTES_MAX,
};
use crate::wire::{self, WireError};

/// Changes shorter than this are not worth the header of a compressed frame.
const COMPRESS_FROM_BYTES: usize = 160;
/// The level: changes are compressed once, while somebody waits.
const COMPRESSION_LEVEL: i32 = 1;

/// Why the changes were made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A person typed or saved them.
    Human,
    /// A person accepted the proposal of a model.
    Model {
        /// The model, as it calls itself.
        name: String,
    },
    /// They were found on disk when the folder became a workspace.
    Import,
    /// They repeat changes that were withdrawn.
    Repeated,
    /// A person checked out another branch of a version control system.
    Branch {
        /// The branch, as that system calls it.
        name: String,
        /// How many files that changed.
        files: u32,
    },
}

/// One encoded change of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The document.
    pub doc: DocumentId,
    /// Whether another part of the same edit follows.
    pub more: bool,
    /// The withdrawn change that this one repeats.
    pub repeats: Option<ChangeHash>,
    /// Exactly one change chunk, uncompressed.
    pub change: Vec<u8>,
}

/// The opened body of a Data entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPlain {
    /// The author's clock. For display only.
    pub wall: WallMillis,
    /// Why the changes were made.
    pub origin: Origin,
    /// The changes, in the order in which they were made.
    pub items: Vec<Item>,
}

/// Why the opened body of a Data entry was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Not the encoding of a Data body.
    #[error("the data cannot be read")]
    Wire(#[from] WireError),
    /// A compressed item is damaged, or unpacks to another length than it declares.
    #[error("item {index} does not unpack to its declared length")]
    Unpack {
        /// The place of the item.
        index: usize,
    },
    /// An item declares more than may be unpacked.
    #[error("item {index} declares {declared} bytes, over the limit")]
    TooLarge {
        /// The place of the item.
        index: usize,
        /// What it declares.
        declared: usize,
    },
}

/// Why items cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A single change is larger than a change may be.
    #[error("the change at {index} has {len} bytes, over the limit of a change")]
    ChangeTooLarge {
        /// The place of the item.
        index: usize,
        /// The length of its change.
        len: usize,
    },
    /// The name of the model or of the branch is too long.
    #[error("the name of the model or of the branch is too long")]
    OriginName,
}

/// The actor that changes in entries of `log` carry.
#[must_use]
pub fn actor_of(log: &LogId) -> ActorId {
    ActorId::from_bytes(&log.as_bytes()[..16]).expect("16 bytes, a valid length of an actor")
}

#[derive(Serialize, Deserialize)]
struct WirePlain {
    wall_millis: i64,
    origin: WireOrigin,
    #[serde(deserialize_with = "wire::vec::<_, _, DATA_ITEMS_MAX>")]
    items: Vec<WireItem>,
}

#[derive(Clone, Serialize, Deserialize)]
enum WireOrigin {
    Human,
    Model(#[serde(deserialize_with = "wire::text::<_, ORIGIN_NAME_BYTES_MAX>")] String),
    Import,
    Repeated,
    Branch {
        #[serde(deserialize_with = "wire::text::<_, ORIGIN_NAME_BYTES_MAX>")]
        name: String,
        files: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct WireItem {
    doc: [u8; 16],
    more: bool,
    repeats: Option<[u8; 32]>,
    codec: WireCodec,
    #[serde(serialize_with = "wire::put_bytes", deserialize_with = "wire::bytes::<_, DATA_PLAIN_BYTES_MAX>")]
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum WireCodec {
    Raw,
    Zstd { raw_len: u32 },
}

impl DataPlain {
    /// Encodes the body as it is sealed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let items = self.items.iter().map(WireItem::from_item).collect();
        encode_plain(self.wall, &self.origin, items)
    }

    /// Reads an opened body; compressed items are unpacked within their declared, bounded length.
    ///
    /// # Errors
    /// When it is malformed, not canonical, or over a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        let plain = wire::decode::<WirePlain>(bytes)?;
        let mut raw_bytes = 0;
        for (index, item) in plain.items.iter().enumerate() {
            let declared = item.declared_len();
            raw_bytes += declared;
            if declared > ITEM_RAW_BYTES_MAX || raw_bytes > ENTRY_RAW_BYTES_MAX {
                return Err(DataError::TooLarge { index, declared });
            }
        }
        let items = plain
            .items
            .into_iter()
            .enumerate()
            .map(|(index, item)| item.into_item(index))
            .collect::<Result<_, _>>()?;
        Ok(Self { wall: WallMillis(plain.wall_millis), origin: plain.origin.into_origin(), items })
    }
}

fn encode_plain(wall: WallMillis, origin: &Origin, items: Vec<WireItem>) -> Vec<u8> {
    wire::encode(&WirePlain { wall_millis: wall.0, origin: WireOrigin::from_origin(origin), items })
}

impl WireOrigin {
    fn from_origin(origin: &Origin) -> Self {
        match origin {
            Origin::Human => Self::Human,
            Origin::Model { name } => Self::Model(name.clone()),
            Origin::Import => Self::Import,
            Origin::Repeated => Self::Repeated,
            Origin::Branch { name, files } => Self::Branch { name: name.clone(), files: *files },
        }
    }

    fn into_origin(self) -> Origin {
        match self {
            Self::Human => Origin::Human,
            Self::Model(name) => Origin::Model { name },
            Self::Import => Origin::Import,
            Self::Repeated => Origin::Repeated,
            Self::Branch { name, files } => Origin::Branch { name, files },
        }
    }
}

impl WireItem {
    fn from_item(item: &Item) -> Self {
        let packed = (item.change.len() >= COMPRESS_FROM_BYTES)
            .then(|| zstd::bulk::compress(&item.change, COMPRESSION_LEVEL).ok())
            .flatten()
            .filter(|packed| packed.len() + 8 < item.change.len());
        let (codec, bytes) = match packed {
            Some(packed) => {
                let raw_len = u32::try_from(item.change.len()).expect("a change below its limit");
                (WireCodec::Zstd { raw_len }, packed)
            }
            None => (WireCodec::Raw, item.change.clone()),
        };
        Self {
            doc: *item.doc.as_bytes(),
            more: item.more,
            repeats: item.repeats.map(|hash| *hash.as_bytes()),
            codec,
            bytes,
        }
    }

    fn into_item(self, index: usize) -> Result<Item, DataError> {
        let change = match self.codec {
            WireCodec::Raw => self.bytes,
            WireCodec::Zstd { raw_len } => unpack(&self.bytes, raw_len as usize, index)?,
        };
        Ok(Item {
            doc: DocumentId::from_bytes(self.doc),
            more: self.more,
            repeats: self.repeats.map(ChangeHash::from_bytes),
            change,
        })
    }

    fn declared_len(&self) -> usize {
        match self.codec {
            WireCodec::Raw => self.bytes.len(),
            WireCodec::Zstd { raw_len } => raw_len as usize,
        }
    }

    /// An upper bound of the bytes that this item adds to an encoded body.
    fn encoded_bound(&self) -> usize {
        16 + 1 + 33 + 6 + 5 + self.bytes.len()
    }
}

fn unpack(packed: &[u8], declared: usize, index: usize) -> Result<Vec<u8>, DataError> {
    // The buffer is as large as declared and the decoder cannot write past it, so a bomb
    // costs what it declared at most.
    match zstd::bulk::decompress(packed, declared) {
        Ok(change) if change.len() == declared => Ok(change),
        _ => Err(DataError::Unpack { index }),
    }
}

/// Packs items, in order, into as few bodies as fit an entry each, already encoded.
///
/// # Errors
/// When a single change is over its limit, or the origin is.
pub fn pack(wall: WallMillis, origin: &Origin, items: &[Item]) -> Result<Vec<PackedData>, PackError> {
    if matches!(origin, Origin::Model { name } | Origin::Branch { name, .. } if name.len() > ORIGIN_NAME_BYTES_MAX)
    {
        return Err(PackError::OriginName);
    }
    let mut bodies = Vec::new();
    let mut open: Vec<WireItem> = Vec::new();
    let mut open_bytes = 0;
    for (index, item) in items.iter().enumerate() {
        let len = item.change.len();
        if len > CHANGE_BYTES_MAX {
            return Err(PackError::ChangeTooLarge { index, len });
        }
        let wire_item = WireItem::from_item(item);
        let bytes = wire_item.encoded_bound();
        let full = open.len() == DATA_ITEMS_MAX || open_bytes + bytes > PACKED_ITEMS_BYTES_MAX;
        if full && !open.is_empty() {
            bodies.push(PackedData::new(wall, origin, std::mem::take(&mut open)));
            open_bytes = 0;
        }
        open_bytes += bytes;
        open.push(wire_item);
    }
    if !open.is_empty() {
        bodies.push(PackedData::new(wall, origin, open));
    }
    Ok(bodies)
}

/// What is left for items beside the clock, the origin and the count.
const PACKED_ITEMS_BYTES_MAX: usize = DATA_PLAIN_BYTES_MAX - ORIGIN_NAME_BYTES_MAX - 32;

/// One encoded body that [`pack`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedData {
    /// The bytes to seal.
    pub plain: Vec<u8>,
    /// How many items it holds.
    pub items: usize,
}

impl PackedData {
    fn new(wall: WallMillis, origin: &Origin, items: Vec<WireItem>) -> Self {
        Self { items: items.len(), plain: encode_plain(wall, origin, items) }
    }
}
