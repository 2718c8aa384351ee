//! A flat map of values that many people write at once.
//!
//! Each key holds the writes that no other write has taken the place of. The one with the greatest id is shown, the
//! others are its conflicts.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::change::Value;
use crate::document::actors::{Actors, Id};

/// The registers of one document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registers {
    keys: BTreeMap<String, Register>,
}

/// One key: the values it has, and the writes it had.
#[derive(Debug, Clone, Default)]
struct Register {
    /// In ascending order of the ids.
    surviving: SmallVec<[(Id, Value); 1]>,
    /// Writes that something has succeeded; a later write may still name them.
    succeeded: SmallVec<[Id; 2]>,
}

impl Registers {
    /// The values of a key in ascending order of their ids; the last one is shown.
    pub(crate) fn values(&self, key: &str) -> &[(Id, Value)] {
        self.keys.get(key).map_or(&[], |register| &register.surviving)
    }

    /// The keys that have a value, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(|(_, register)| !register.surviving.is_empty()).map(|(key, _)| key.as_str())
    }

    /// The keys from `from` on that have a value, in order.
    pub(crate) fn keys_from<'a>(&'a self, from: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.keys
            .range::<str, _>((std::ops::Bound::Included(from), std::ops::Bound::Unbounded))
            .filter(|(_, register)| !register.surviving.is_empty())
            .map(|(key, _)| key.as_str())
    }

    /// Tells whether a write of this key ever had this id.
    pub(crate) fn has_write(&self, key: &str, id: Id) -> bool {
        self.keys.get(key).is_some_and(|register| {
            register.surviving.iter().any(|(write, _)| *write == id) || register.succeeded.contains(&id)
        })
    }

    /// Applies one write, whose predecessors must be writes of the key.
    pub(crate) fn apply(&mut self, actors: &Actors, key: &str, id: Id, value: Option<Value>, preds: &[Id]) {
        let register = match self.keys.get_mut(key) {
            Some(register) => register,
            None => self.keys.entry(key.to_owned()).or_default(),
        };
        let Register { surviving, succeeded } = register;
        surviving.retain(|(write, _)| {
            let survives = !preds.contains(write);
            if !survives {
                succeeded.push(*write);
            }
            survives
        });
        if let Some(value) = value {
            let place = surviving.partition_point(|(write, _)| actors.compare(*write, id).is_lt());
            surviving.insert(place, (id, value));
        }
    }

    /// Every key with its values and its succeeded writes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[(Id, Value)], &[Id])> {
        self.keys.iter().map(|(key, register)| {
            (key.as_str(), register.surviving.as_slice(), register.succeeded.as_slice())
        })
    }

    /// Puts a key back as [`Registers::iter`] gave it.
    pub(crate) fn restore(
        &mut self,
        key: String,
        surviving: impl IntoIterator<Item = (Id, Value)>,
        succeeded: impl IntoIterator<Item = Id>,
    ) {
        let register = Register {
            surviving: surviving.into_iter().collect(),
            succeeded: succeeded.into_iter().collect(),
        };
        self.keys.insert(key, register);
    }
}
