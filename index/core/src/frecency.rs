//! Which files a person works with: often, and lately.
//!
//! A visit counts one, and half of that after [`HALF_LIFE_SECONDS`]; what a file has is the sum. So one number and its
//! time say all.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::limits::FRECENCY_FILES_MAX;

/// After this time a visit counts half: three days.
pub const HALF_LIFE_SECONDS: f64 = 3.0 * 86_400.0;

/// The files that were visited, by path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frecency {
    visits: BTreeMap<Arc<str>, Visits>,
}

/// What the visits of a file count together, at a moment in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visits {
    /// The sum.
    pub count: f64,
    /// When it was so.
    pub at: f64,
}

impl Visits {
    fn at(self, now: f64) -> f64 {
        self.count * (-(now - self.at).max(0.0) / HALF_LIFE_SECONDS).exp2()
    }
}

impl Frecency {
    /// A file is visited. Of too many files the one that counts least is forgotten.
    pub fn visit(&mut self, path: &str, now: f64) {
        let count = self.of(path, now) + 1.0;
        self.visits.insert(path.into(), Visits { count, at: now });
        if self.visits.len() > FRECENCY_FILES_MAX {
            let least = self.visits.iter().min_by(|a, b| a.1.at(now).total_cmp(&b.1.at(now)));
            if let Some(path) = least.map(|(path, _)| Arc::clone(path)) {
                self.visits.remove(&path);
            }
        }
    }

    /// What the visits of a file count now.
    #[must_use]
    pub fn of(&self, path: &str, now: f64) -> f64 {
        self.visits.get(path).map_or(0.0, |visits| visits.at(now))
    }

    /// When a file was visited last, in seconds.
    #[must_use]
    pub fn last(&self, path: &str) -> Option<f64> {
        self.visits.get(path).map(|visits| visits.at)
    }

    /// A file, or everything in a folder, has another path, and what counts for it with it. `false` when nothing does.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        let is_in =
            |path: &str| path.strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let moved: Vec<Arc<str>> = self.visits.keys().filter(|path| is_in(path)).cloned().collect();
        for path in &moved {
            if let Some(visits) = self.visits.remove(path) {
                self.visits.insert(format!("{to}{}", &path[from.len()..]).into(), visits);
            }
        }
        !moved.is_empty()
    }

    /// Every file, to be kept.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Visits)> {
        self.visits.iter().map(|(path, visits)| (path, *visits))
    }

    /// What was kept, as many as there may be; numbers that are none are left out.
    #[must_use]
    pub fn of_kept(kept: impl IntoIterator<Item = (Arc<str>, Visits)>) -> Self {
        let sound =
            |visits: &Visits| visits.count.is_finite() && visits.at.is_finite() && visits.count >= 0.0;
        let visits = kept.into_iter().filter(|(_, visits)| sound(visits)).take(FRECENCY_FILES_MAX).collect();
        Self { visits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_fade() {
        let mut frecency = Frecency::default();
        frecency.visit("a", 0.0);
        frecency.visit("a", HALF_LIFE_SECONDS);
        assert!((frecency.of("a", HALF_LIFE_SECONDS) - 1.5).abs() < 1e-9);
        assert!((frecency.of("a", 2.0 * HALF_LIFE_SECONDS) - 0.75).abs() < 1e-9);
        assert_eq!(frecency.of("b", 0.0), 0.0);
        let kept = Frecency::of_kept(frecency.iter().map(|(path, visits)| (Arc::clone(path), visits)));
        assert_eq!(kept, frecency);
        assert!(frecency.rename("a", "c") && !frecency.rename("a", "b"));
        frecency.visit("dir/x", 1.0);
        frecency.visit("dirx", 1.0);
        assert!(frecency.rename("dir", "new/dir"));
        assert_eq!((frecency.last("new/dir/x"), frecency.last("dirx")), (Some(1.0), Some(1.0)));
        assert_eq!((frecency.last("a"), frecency.last("c")), (None, Some(HALF_LIFE_SECONDS)));
    }

    #[test]
    fn no_more_files_are_known_than_may_be() {
        let mut frecency = Frecency::default();
        frecency.visit("often", 0.0);
        frecency.visit("often", 0.0);
        (0..FRECENCY_FILES_MAX).for_each(|number| frecency.visit(&number.to_string(), 1.0));
        assert_eq!(frecency.iter().count(), FRECENCY_FILES_MAX);
        assert!(frecency.of("often", 1.0) > 1.0);
    }
}
