//! Histories of operations by short names, for tests: what the fold says of them, as one value to compare.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use super::history::Place;
use super::operations::{Author, Claim, OpIndex, Operation, Rule, World};
use crate::acl::OpRef;
use crate::ids::{DeviceId, EntryId, EpochId, UserId};

/// Operations in some order of arrival, each named by its *line*, and the past of each line.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) operations: Vec<Operation>,
    pub(super) pasts: Vec<BTreeSet<u32>>,
    /// A rule that is left out, to see that the checks notice.
    pub(super) broken: Option<Rule>,
}

/// Everything that follows from a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) roles: BTreeMap<UserId, u8>,
    /// Devices that were not removed and of which a certificate stands.
    pub(super) standing: BTreeSet<DeviceId>,
    /// Of those the ones that are in.
    pub(super) live: BTreeSet<DeviceId>,
    /// Writes for which an editor's grant or a higher one stands, by line.
    pub(super) writes: BTreeSet<u32>,
    /// Epochs and re-wraps that count.
    pub(super) epochs: BTreeSet<u32>,
    /// Endpoints and policies that were set by who may.
    pub(super) settings: BTreeSet<u32>,
    /// Epochs that are usable by who knows all.
    pub(super) usable: BTreeSet<EpochId>,
}

/// The key of what only writes: it says nothing about membership.
pub(super) const WRITE: &str = "";
/// The key of what says nothing at all, and keeps a line occupied.
pub(super) const VOID: &str = "void";
/// Data and original epochs take an editor, re-wraps a viewer.
const EDITOR: u8 = 3;

impl World for History {
    fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn resolve(&self, named: &OpRef) -> Option<OpIndex> {
        let line = line_of(named);
        let index = self.operations.iter().position(|operation| operation.place.line == line)?;
        OpIndex::try_from(index).ok()
    }

    fn before(&self, a: Place, b: Place) -> bool {
        self.pasts[b.line as usize].contains(&a.line)
    }

    fn broken(&self) -> Option<Rule> {
        self.broken
    }
}

pub(super) fn padded<const LEN: usize>(text: &str) -> [u8; LEN] {
    std::array::from_fn(|at| text.as_bytes().get(at).copied().unwrap_or(0))
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.iter().copied().take_while(|byte| *byte != 0).collect()).unwrap()
}

pub(super) fn user(name: &str) -> UserId {
    UserId::from_bytes(padded(name))
}

pub(super) fn device(name: &str) -> DeviceId {
    DeviceId::from_bytes(padded(name))
}

/// "R:A" is the user key of A; "a1" is a device of A.
pub(super) fn author(name: &str) -> Author {
    match name.strip_prefix("R:") {
        Some(name) => Author { user: user(name), device: None },
        None => Author { user: user(&name[..1].to_uppercase()), device: Some(device(name)) },
    }
}

/// The name of the operation on a line.
pub(super) fn named(line: u32) -> OpRef {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&line.to_be_bytes());
    OpRef::new(EntryId::from_bytes(bytes), 0)
}

pub(super) fn line_of(named: &OpRef) -> u32 {
    u32::from_be_bytes(named.entry.as_bytes()[..4].try_into().unwrap())
}

/// What only writes.
pub(super) fn write() -> Claim {
    Claim::SetPolicy { key: WRITE.to_owned(), via: named(u32::MAX) }
}

/// What says nothing.
pub(super) fn void() -> Claim {
    Claim::SetPolicy { key: VOID.to_owned(), via: named(u32::MAX) }
}

pub(super) fn is_write(operation: &Operation) -> bool {
    matches!(&operation.claim, Claim::SetPolicy { key, .. } if key == WRITE)
}

impl History {
    /// Adds an operation that knows of `parents` and their pasts, and returns its line.
    pub(super) fn push(
        &mut self,
        author: Author,
        claim: Claim,
        parents: impl IntoIterator<Item = u32>,
    ) -> u32 {
        let line = u32::try_from(self.pasts.len()).unwrap();
        let past = self.closure(parents);
        self.pasts.push(past);
        self.operations.push(Operation { place: Place { line, seq: 1, sub: 0 }, author, claim });
        line
    }

    /// These lines and their pasts.
    pub(super) fn closure(&self, lines: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
        let mut closure = BTreeSet::new();
        for line in lines {
            if closure.insert(line) {
                closure.extend(self.pasts[line as usize].iter().copied());
            }
        }
        closure
    }

    /// The lines that nobody knows of yet.
    pub(super) fn heads(&self) -> Vec<u32> {
        let known: BTreeSet<u32> = self.pasts.iter().flatten().copied().collect();
        (0..u32::try_from(self.pasts.len()).unwrap()).filter(|line| !known.contains(line)).collect()
    }

    /// The operation on a line.
    pub(super) fn at(&self, line: u32) -> &Operation {
        self.operations.iter().find(|operation| operation.place.line == line).expect("a line that is here")
    }

    /// What the fold says of all of it.
    pub(super) fn answers(&self) -> Answers {
        self.answers_of(&Fold::new(self, |_| true))
    }

    /// What a fold over all of it says.
    pub(super) fn answers_of(&self, fold: &Fold<'_, Self>) -> Answers {
        let devices = || fold.named_devices().copied();
        let indexed = || (0..).zip(&self.operations);
        let lines = |wanted: &dyn Fn(OpIndex, &Operation) -> bool| -> BTreeSet<u32> {
            indexed()
                .filter(|(index, operation)| wanted(*index, operation))
                .map(|(_, operation)| operation.place.line)
                .collect()
        };
        let counting: BTreeSet<OpIndex> =
            fold.epochs().flat_map(|epoch| fold.counting_epochs(epoch)).collect();
        Answers {
            roles: fold.members(),
            standing: devices().filter(|device| fold.is_standing(device)).collect(),
            live: devices().filter(|device| fold.is_live(device)).collect(),
            writes: lines(&|_, operation| {
                is_write(operation) && fold.counts(operation.author, operation.place.into(), EDITOR)
            }),
            epochs: lines(&|index, _| counting.contains(&index)),
            settings: lines(&|index, operation| match &operation.claim {
                Claim::SetEndpoint { device, .. } => fold.is_by_sibling(index, device),
                Claim::SetPolicy { via, .. } => fold.is_by_admin(index, via),
                _ => false,
            }),
            usable: fold.epochs().filter(|epoch| fold.usable(epoch)).copied().collect(),
        }
    }

    /// The epochs that are usable by who knows of these lines and their pasts.
    pub(super) fn usable_at(&self, heads: &[u32]) -> BTreeSet<EpochId> {
        let closure = self.closure(heads.iter().copied());
        let fold = Fold::new(self, |operation| closure.contains(&operation.place.line));
        fold.epochs().filter(|epoch| fold.usable(epoch)).copied().collect()
    }

    /// Whether some grant of this person was valid in the fold of its own past, or they are the owner.
    pub(super) fn knows(&self, name: &UserId) -> bool {
        (0..).zip(&self.operations).any(|(index, operation)| match &operation.claim {
            Claim::Genesis { owner } => owner == name,
            Claim::Grant { user: to, .. } if to == name => {
                let past = &self.pasts[operation.place.line as usize];
                let alone =
                    |other: &Operation| past.contains(&other.place.line) || other.place == operation.place;
                Fold::new(self, alone).is_valid_grant(index)
            }
            _ => false,
        })
    }
}
