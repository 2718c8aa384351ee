//! A state of a document, named by the changes it ends with.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::ChangeHash;

/// Names a state of a document: the changes that nothing else in it builds upon.
///
/// The state holds these changes and everything they depend on. Hashes are in ascending order, each once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Version(Vec<ChangeHash>);

impl Version {
    /// Makes a version of hashes in any order.
    pub fn new(hashes: impl IntoIterator<Item = ChangeHash>) -> Self {
        let mut hashes: Vec<_> = hashes.into_iter().collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    /// Borrows the hashes in ascending order.
    pub fn hashes(&self) -> &[ChangeHash] {
        &self.0
    }

    /// Tells whether this is the state before any change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Moves on by one change: what it depends on is no longer an end, the change itself is one.
    pub(crate) fn advance(&mut self, deps: &[ChangeHash], hash: ChangeHash) {
        if self.0 == deps {
            self.0.clear();
        } else {
            self.0.retain(|head| deps.binary_search(head).is_err());
        }
        let place = self.0.partition_point(|head| *head < hash);
        self.0.insert(place, hash);
    }
}

impl From<ChangeHash> for Version {
    fn from(hash: ChangeHash) -> Self {
        Self(vec![hash])
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Version")?;
        f.debug_list().entries(&self.0).finish()
    }
}

// What is read from outside is put in order, so that the invariant holds whatever the bytes said.
impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_replaces_what_a_change_builds_upon() {
        let hash = |byte| ChangeHash::from_bytes([byte; 32]);
        let mut version = Version::new([hash(5), hash(1), hash(5)]);
        assert_eq!(version.hashes(), [hash(1), hash(5)]);
        version.advance(&[hash(0), hash(5)], hash(3));
        assert_eq!(version.hashes(), [hash(1), hash(3)]);
        version.advance(&[hash(1), hash(3)], hash(2));
        assert_eq!(version.hashes(), [hash(2)]);
    }
}
