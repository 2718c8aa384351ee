//! Where the person was before they went elsewhere, to go back there.

use super::Shell;
use crate::limits::PLACES_MAX;

/// A file, and the line and the character in it, from 0.
type Place = (String, usize, usize);

/// The places on both sides of the present one.
#[derive(Debug, Default)]
pub(super) struct Places {
    back: Vec<Place>,
    forward: Vec<Place>,
}

impl Places {
    fn leave(&mut self, place: Place) {
        self.forward.clear();
        if self.back.last() != Some(&place) {
            self.back.push(place);
            let surplus = self.back.len().saturating_sub(PLACES_MAX);
            self.back.drain(..surplus);
        }
    }
}

impl Shell {
    fn place_now(&self) -> Option<Place> {
        let folder = self.state.folder.as_ref()?;
        let (document, view) = folder.active()?;
        let caret = document.view(view)?.selections().primary().head;
        let line = document.buffer().line_of(caret);
        let column = caret.0 - document.buffer().line_start(line).0;
        Some((folder.active_path()?.to_owned(), line.0, column))
    }

    /// Remembers where the person is, before they go elsewhere.
    pub(super) fn leave_place(&mut self) {
        if let Some(place) = self.place_now() {
            self.places.leave(place);
        }
    }

    /// Goes back to where the person was, or forward again.
    pub(super) fn go_back(&mut self, is_back: bool) {
        let now = self.place_now();
        let places = &mut self.places;
        let (from, to) = match is_back {
            true => (&mut places.back, &mut places.forward),
            false => (&mut places.forward, &mut places.back),
        };
        // Where they are already is no way back.
        let Some((path, line, column)) =
            std::iter::from_fn(|| from.pop()).find(|place| Some(place) != now.as_ref())
        else {
            return;
        };
        to.extend(now);
        self.open_at(&path, true, Some((line, column)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_places_are_forgotten() {
        let mut places = Places::default();
        for line in 0..=PLACES_MAX {
            places.leave(("a".to_owned(), line, 0));
            places.leave(("a".to_owned(), line, 0));
        }
        assert_eq!(places.back.len(), PLACES_MAX);
        assert_eq!(places.back[0].1, 1);
    }
}
