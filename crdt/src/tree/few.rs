//! A set that mostly holds one thing.

use std::collections::BTreeSet;

/// An ordered set. A name in a folder stands for one node nearly always, and a tree set with one element in it takes the
/// room of eleven; there are as many of these as there are files.
#[derive(Debug, Clone)]
pub(super) enum Few<T> {
    /// At most one.
    One(Option<T>),
    /// More than one, or what has become of more than one.
    Many(BTreeSet<T>),
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::One(None)
    }
}

/// What they hold counts, not how they came to it.
impl<T: Ord> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Ord> Eq for Few<T> {}

impl<T: Ord> Few<T> {
    pub(super) fn insert(&mut self, value: T) {
        match self {
            Self::Many(set) => {
                set.insert(value);
            }
            Self::One(one) => match one.take() {
                Some(other) if other != value => *self = Self::Many(BTreeSet::from([other, value])),
                _ => *one = Some(value),
            },
        }
    }

    pub(super) fn remove(&mut self, value: &T) {
        match self {
            Self::One(one) => {
                one.take_if(|other| other == value);
            }
            Self::Many(set) => {
                set.remove(value);
            }
        }
    }

    /// The least one.
    pub(super) fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(one) => usize::from(one.is_some()),
            Self::Many(set) => set.len(),
        }
    }

    /// In ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::iter::Chain<
        std::option::Iter<'a, T>,
        std::iter::Flatten<std::option::IntoIter<&'a BTreeSet<T>>>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        let (one, set) = match self {
            Few::One(one) => (one, None),
            Few::Many(set) => (&None, Some(set)),
        };
        one.iter().chain(set.into_iter().flatten())
    }
}

impl<T: Ord> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut few = Self::default();
        values.into_iter().for_each(|value| few.insert(value));
        few
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_set_would() {
        // Every sequence of six insertions and removals of three values.
        for mut steps in 0..6_u32.pow(6) {
            let (mut few, mut set) = (Few::default(), BTreeSet::new());
            for _ in 0..6 {
                let value = steps % 3;
                match steps / 3 % 2 {
                    0 => {
                        few.insert(value);
                        set.insert(value);
                    }
                    _ => {
                        few.remove(&value);
                        set.remove(&value);
                    }
                }
                steps /= 6;
                assert!(few.iter().eq(set.iter()));
                assert_eq!(
                    (few.len(), few.is_empty(), few.first()),
                    (set.len(), set.is_empty(), set.first())
                );
            }
        }
        assert_eq!(Few::from_iter([2, 1, 2]).iter().copied().collect::<Vec<_>>(), [1, 2]);
    }
}
