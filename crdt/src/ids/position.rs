//! Places in a text. Never a bare number across a module boundary: bytes, characters and lines must not mix.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! position {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(pub usize);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<usize> for $name {
            fn from(index: usize) -> Self {
                Self(index)
            }
        }
    };
}

position!(
    /// Counts bytes of UTF-8 from the start of a text.
    ByteIndex
);
position!(
    /// Counts characters (Unicode scalar values) from the start of a text.
    CharIndex
);
position!(
    /// Counts lines from the start of a text; the first line is 0.
    LineIndex
);
