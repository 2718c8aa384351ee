//! Comparing what two devices hold of a lane: open logs one by one, closed ones by digest.

use std::collections::{BTreeMap, BTreeSet};

use crate::frames::{ClosedLogs, Position, Vector};
use crate::ids::{LogId, SignerId};
use crate::limits::CLAIMS_PER_CHANNEL_MAX;

/// What the other side says that it holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(BTreeMap<LogId, u64>);

/// A peer claims more logs than anybody may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyClaims;

impl Claims {
    pub(super) fn seq(&self, log: &LogId) -> u64 {
        self.0.get(log).copied().unwrap_or(0)
    }

    pub(super) fn raise(&mut self, position: &Position) -> Result<(), TooManyClaims> {
        if self.0.len() >= CLAIMS_PER_CHANNEL_MAX && !self.0.contains_key(&position.log) {
            return Err(TooManyClaims);
        }
        let seq = self.0.entry(position.log).or_default();
        *seq = position.seq.max(*seq);
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&LogId, u64)> {
        self.0.iter().map(|(log, seq)| (log, *seq))
    }
}

/// One exchange of vectors. Both sides compare the same two vectors, so each knows which lists
/// of closed logs the other will send.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// The digests that this side has sent.
    sent: BTreeMap<SignerId, [u8; 32]>,
    /// The logs that it has sent one by one.
    open: BTreeSet<LogId>,
    other: Other,
}

#[derive(Clone, Debug)]
enum Other {
    /// Nothing has come yet.
    Awaited,
    /// The vector has come.
    Here {
        /// Signers whose closed logs are the same on both sides.
        equal: BTreeSet<SignerId>,
        /// Signers whose list of closed logs has not come yet.
        due: BTreeSet<SignerId>,
    },
}

impl Comparison {
    pub(super) fn new(sent: &Vector) -> Self {
        Self {
            sent: sent.closed.iter().map(|closed| (closed.signer, closed.digest)).collect(),
            open: sent.open.iter().map(|position| position.log).collect(),
            other: Other::Awaited,
        }
    }

    /// Takes the other side's vector; returns the signers whose closed logs must be listed.
    /// None when a vector has come before.
    pub(super) fn receive(&mut self, vector: &Vector) -> Option<BTreeSet<SignerId>> {
        if matches!(self.other, Other::Here { .. }) {
            return None;
        }
        let theirs: BTreeMap<SignerId, [u8; 32]> =
            vector.closed.iter().map(|closed| (closed.signer, closed.digest)).collect();
        let (equal, due): (BTreeSet<SignerId>, BTreeSet<SignerId>) = self
            .sent
            .keys()
            .chain(theirs.keys())
            .partition(|signer| self.sent.get(*signer) == theirs.get(*signer));
        self.other = Other::Here { equal, due: due.clone() };
        Some(due)
    }

    /// Takes (a part of) a list. Says whether one was due.
    pub(super) fn receive_list(&mut self, list: &ClosedLogs) -> bool {
        match &mut self.other {
            Other::Here { due, .. } if list.more => due.contains(&list.signer),
            Other::Here { due, .. } => due.remove(&list.signer),
            Other::Awaited => false,
        }
    }

    /// Whether all that the other side holds is known.
    pub(super) fn is_complete(&self) -> bool {
        matches!(&self.other, Other::Here { due, .. } if due.is_empty())
    }

    /// Whether the other side's vector has come.
    pub(super) fn has_come(&self) -> bool {
        matches!(self.other, Other::Here { .. })
    }

    /// Whether the other side holds exactly what this side holds of a closed log, because the
    /// digests say so.
    pub(super) fn is_equal(&self, log: &LogId, signer: &SignerId) -> bool {
        !self.open.contains(log) && matches!(&self.other, Other::Here { equal, .. } if equal.contains(signer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::ClosedDigest;

    fn vector(digests: &[(u8, u8)]) -> Vector {
        let closed = digests
            .iter()
            .map(|(signer, digest)| ClosedDigest {
                signer: SignerId::from_bytes([*signer; 32]),
                digest: [*digest; 32],
            })
            .collect();
        Vector { open: Vec::new(), closed }
    }

    #[test]
    fn both_sides_list_the_same_signers() {
        let (a, b) = (vector(&[(1, 1), (2, 2), (3, 3)]), vector(&[(2, 2), (3, 9), (4, 4)]));
        let (mut at_a, mut at_b) = (Comparison::new(&a), Comparison::new(&b));
        let due = at_a.receive(&b).unwrap();
        assert_eq!(Some(due.clone()), at_b.receive(&a));
        assert_eq!(due, [1, 3, 4].map(|signer| SignerId::from_bytes([signer; 32])).into());
        let log = LogId::from_bytes([9; 32]);
        assert!(at_a.is_equal(&log, &SignerId::from_bytes([2; 32])));
        assert!(!at_a.is_equal(&log, &SignerId::from_bytes([3; 32])));
        assert_eq!(at_a.receive(&b), None, "a second vector");
        for signer in due {
            assert!(!at_a.is_complete());
            assert!(at_a.receive_list(&ClosedLogs { signer, logs: Vec::new(), more: true }));
            assert!(at_a.receive_list(&ClosedLogs { signer, logs: Vec::new(), more: false }));
            assert!(!at_a.receive_list(&ClosedLogs { signer, logs: Vec::new(), more: false }));
        }
        assert!(at_a.is_complete());
    }

    #[test]
    fn claims_only_grow_and_are_bounded() {
        let mut claims = Claims::default();
        let position = |log: u64, seq| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&log.to_be_bytes());
            Position { log: LogId::from_bytes(id), seq }
        };
        for log in 0..CLAIMS_PER_CHANNEL_MAX as u64 {
            claims.raise(&position(log, 5)).unwrap();
        }
        claims.raise(&position(3, 4)).unwrap();
        assert_eq!(claims.seq(&position(3, 0).log), 5);
        assert_eq!(claims.raise(&position(u64::MAX, 1)), Err(TooManyClaims));
    }
}
