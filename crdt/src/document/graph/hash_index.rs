//! Finds changes by their hashes.
//!
//! Most lookups never come here, because most changes build upon heads. So adding must be cheap and the table small:
//! sorted lists of doubling lengths, eight bytes for each change. Chosen hashes cannot make it slow as they can a hash
//! table: they would have to agree in their first 32 bits, and then cost one comparison each.

use crate::ids::ChangeHash;

/// So many entries are kept in no order before they are sorted into a list.
const LOOSE_MAX: usize = 32;

/// Numbers of changes by the first four bytes of their hashes.
#[derive(Debug, Clone, Default)]
pub(super) struct HashIndex {
    /// Each entry has the first bytes of the hash above the number.
    loose: Vec<u64>,
    /// Each sorted, and at least twice as long as the next.
    sorted: Vec<Vec<u64>>,
}

impl HashIndex {
    /// The index of hashes by their places.
    pub(super) fn of(hashes: &[ChangeHash]) -> Self {
        let mut sorted: Vec<u64> = hashes.iter().zip(0..).map(|(hash, number)| entry(hash, number)).collect();
        sorted.sort_unstable();
        Self { loose: Vec::new(), sorted: vec![sorted] }
    }

    pub(super) fn push(&mut self, hash: &ChangeHash, number: u32) {
        self.loose.push(entry(hash, number));
        if self.loose.len() < LOOSE_MAX {
            return;
        }
        let mut list = std::mem::take(&mut self.loose);
        list.sort_unstable();
        while let Some(longer) = self.sorted.pop_if(|longer| longer.len() < 2 * list.len()) {
            list = merge(&longer, &list);
        }
        self.sorted.push(list);
    }

    /// The numbers of changes that may have this hash.
    pub(super) fn candidates(&self, hash: &ChangeHash) -> impl Iterator<Item = u32> {
        let least = entry(hash, 0);
        let has_prefix = move |entry: &&u64| **entry >> 32 == least >> 32;
        let in_lists = self.sorted.iter().flat_map(move |list| {
            let from = list.partition_point(|entry| *entry < least);
            list[from..].iter().take_while(has_prefix)
        });
        self.loose.iter().filter(has_prefix).chain(in_lists).map(|entry| *entry as u32)
    }
}

fn entry(hash: &ChangeHash, number: u32) -> u64 {
    let [a, b, c, d, ..] = *hash.as_bytes();
    u64::from(u32::from_be_bytes([a, b, c, d])) << 32 | u64::from(number)
}

fn merge(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut right = right.iter().copied().peekable();
    for left in left {
        while let Some(right) = right.next_if(|right| right < left) {
            merged.push(right);
        }
        merged.push(*left);
    }
    merged.extend(right);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_is_found_also_among_equal_beginnings() {
        let hash = |number: u32| {
            let mut bytes = [0; 32];
            // Beginnings repeat after seven.
            bytes[..4].copy_from_slice(&(number % 7).to_be_bytes());
            bytes[28..].copy_from_slice(&number.to_be_bytes());
            ChangeHash::from_bytes(bytes)
        };
        let hashes: Vec<_> = (0..1_000).map(hash).collect();
        let mut index = HashIndex::default();
        for (number, place) in (0..).zip(&hashes) {
            index.push(place, number);
        }
        let is_found =
            |index: &HashIndex, number: u32| index.candidates(&hash(number)).any(|found| found == number);
        for number in 0..1_000 {
            assert!(is_found(&index, number));
            assert!(is_found(&HashIndex::of(&hashes), number));
        }
        assert!(!is_found(&index, 1_000));
        assert_eq!(index.candidates(&ChangeHash::from_bytes([9; 32])).count(), 0);
        assert!(index.sorted.len() < 10);
    }
}
