//! When a model is asked for ghost text: after a short pause in typing, once at a time, and never while something speaks
//! against it. It knows no clock: every call says what time it is.

/// What is known of the text that has the keys, where ghost text is wanted at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look<'a> {
    /// The file.
    pub path: &'a str,
    /// [`crate::Document::own_edits`].
    pub own_edits: u64,
    /// [`crate::Document::is_at_last_edit`].
    pub is_at_last_edit: bool,
    /// Whether ghost text is shown.
    pub is_shown: bool,
    /// The question whose answer is still of use: [`crate::Document::ghost_number`].
    pub expects: Option<u64>,
}

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Ask at the caret, under this number.
    Ask(u64),
    /// Nobody waits for this answer any more.
    Cancel(u64),
}

/// How many seconds nothing is asked by itself after it could not be answered.
const REST: f64 = 30.0;

/// Asks for ghost text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completer {
    /// The file, and its edits that were seen.
    seen: Option<(String, u64)>,
    /// When to ask.
    due: Option<f64>,
    /// Whether the person asked for it.
    is_wanted: bool,
    asked: Option<u64>,
    last: u64,
    rests_until: f64,
}

impl Completer {
    /// Looks at the text after whatever has happened. `None` where no ghost text is wanted; `pause` is in seconds.
    pub fn look(&mut self, now: f64, pause: f64, look: Option<Look<'_>>) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let Some(look) = look else {
            wishes.extend(self.asked.take().map(Wish::Cancel));
            (self.seen, self.due, self.is_wanted) = (None, None, false);
            return wishes;
        };
        let seen = self.seen.as_ref().filter(|(path, _)| path == look.path).map(|(_, edits)| *edits);
        if seen != Some(look.own_edits) {
            if !self.is_wanted {
                // The first look at a file sees edits of long ago.
                self.due = seen.map(|_| now + pause);
            }
            self.seen = Some((look.path.to_owned(), look.own_edits));
        }
        if let Some(asked) = self.asked.filter(|asked| look.expects != Some(*asked)) {
            self.asked = None;
            wishes.push(Wish::Cancel(asked));
        }
        if !self.is_wanted && (look.is_shown || !look.is_at_last_edit) {
            self.due = None;
        }
        let may_ask = self.is_wanted || now >= self.rests_until;
        if self.due.is_some_and(|due| due <= now) {
            (self.due, self.is_wanted) = (None, false);
            if may_ask {
                wishes.extend(self.asked.take().map(Wish::Cancel));
                self.last += 1;
                self.asked = Some(self.last);
                wishes.push(Wish::Ask(self.last));
            }
        }
        wishes
    }

    /// The person asks for it: now, and whatever was refused before.
    pub fn want(&mut self, now: f64) {
        (self.due, self.is_wanted) = (Some(now), true);
    }

    /// In how many seconds to look again; nothing when there is no need.
    pub fn wakes_in(&self, now: f64) -> Option<f64> {
        self.due.map(|due| (due - now).max(0.0))
    }

    /// An answer came. Tells whether somebody waits for it.
    pub fn answered(&mut self, number: u64) -> bool {
        let is_awaited = self.asked == Some(number);
        if is_awaited {
            self.asked = None;
        }
        is_awaited
    }

    /// It could not be answered: nothing is asked by itself for a while.
    pub fn rest(&mut self, now: f64) {
        self.rests_until = now + REST;
    }

    /// What was in the way is gone.
    pub fn wake(&mut self) {
        self.rests_until = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::Wish::{Ask, Cancel};
    use super::*;

    const PAUSE: f64 = 0.3;

    fn at(own_edits: u64, expects: Option<u64>) -> Option<Look<'static>> {
        Some(Look { path: "a.rs", own_edits, is_at_last_edit: true, is_shown: false, expects })
    }

    /// A completer that has seen a file, and what was typed at second 1.
    fn typed() -> Completer {
        let mut completer = Completer::default();
        assert_eq!(completer.look(0.0, PAUSE, at(5, None)), []);
        assert_eq!(completer.look(1.0, PAUSE, at(6, None)), []);
        completer
    }

    /// One that has asked its first question at second 2.
    fn asked() -> Completer {
        let mut completer = typed();
        assert_eq!(completer.look(2.0, PAUSE, at(6, None)), [Ask(1)]);
        completer
    }

    #[test]
    fn each_state_with_what_is_seen_and_what_is_done() {
        let elsewhere = |look: Option<Look<'static>>| look.map(|it| Look { is_at_last_edit: false, ..it });
        let shown = |look: Option<Look<'static>>| look.map(|it| Look { is_shown: true, ..it });
        let other = |look: Option<Look<'static>>| look.map(|it| Look { path: "b.rs", ..it });
        type Row<'a> = (&'a str, Completer, f64, Option<Look<'a>>, &'a [Wish]);
        let rows: [Row<'_>; 14] = [
            ("a file is opened", Completer::default(), 9.0, at(5, None), &[]),
            ("too early", typed(), 1.2, at(6, None), &[]),
            ("after the pause", typed(), 1.31, at(6, None), &[Ask(1)]),
            ("typed again just then", typed(), 1.31, at(7, None), &[]),
            ("the caret was moved", typed(), 1.31, elsewhere(at(6, None)), &[]),
            ("ghost text is there", typed(), 1.31, shown(at(6, None)), &[]),
            ("another file", typed(), 1.31, other(at(6, None)), &[]),
            ("not wanted any more", typed(), 1.31, None, &[]),
            ("it is waited for", asked(), 2.1, at(6, Some(1)), &[]),
            ("typed on meanwhile", asked(), 2.1, at(7, Some(1)), &[]),
            ("what was typed does not fit", asked(), 2.1, at(7, None), &[Cancel(1)]),
            ("the caret was moved meanwhile", asked(), 2.1, elsewhere(at(6, None)), &[Cancel(1)]),
            ("another file meanwhile", asked(), 2.1, other(at(6, None)), &[Cancel(1)]),
            ("not wanted meanwhile", asked(), 2.1, None, &[Cancel(1)]),
        ];
        for (name, mut completer, now, look, wishes) in rows {
            assert_eq!(completer.look(now, PAUSE, look), wishes, "{name}");
        }
    }

    #[test]
    fn the_next_question_takes_the_place_of_the_one_before() {
        let mut completer = asked();
        assert_eq!(completer.look(2.1, PAUSE, at(7, Some(1))), []);
        assert!(completer.wakes_in(2.2).is_some_and(|wait| (wait - 0.2).abs() < 1e-9));
        assert_eq!(completer.look(2.5, PAUSE, at(7, Some(1))), [Cancel(1), Ask(2)]);
        assert_eq!(
            (completer.answered(1), completer.answered(2), completer.answered(2)),
            (false, true, false)
        );
        assert_eq!(completer.wakes_in(3.0), None);
    }

    #[test]
    fn who_asks_is_answered_at_once_wherever_the_caret_is() {
        let elsewhere = |edits| at(edits, None).map(|look| Look { is_at_last_edit: false, ..look });
        let mut completer = Completer::default();
        completer.want(1.0);
        assert_eq!(completer.look(1.0, PAUSE, elsewhere(5)), [Ask(1)]);
        completer.want(2.0);
        assert_eq!(completer.look(2.0, PAUSE, at(6, Some(1))), [Cancel(1), Ask(2)]);
        assert_eq!(completer.look(9.0, PAUSE, at(6, Some(2))), []);
    }

    #[test]
    fn after_a_refusal_only_the_person_asks() {
        let mut completer = asked();
        assert!(completer.answered(1));
        completer.rest(2.5);
        assert_eq!(completer.look(3.0, PAUSE, at(7, None)), []);
        assert_eq!(completer.look(4.0, PAUSE, at(7, None)), []);
        completer.want(5.0);
        assert_eq!(completer.look(5.0, PAUSE, at(7, None)), [Ask(2)]);
        completer.answered(2);
        completer.rest(6.0);
        completer.wake();
        completer.look(7.0, PAUSE, at(8, None));
        assert_eq!(completer.look(8.0, PAUSE, at(8, None)), [Ask(3)]);
        completer.answered(3);
        completer.rest(8.0);
        completer.look(8.0 + REST, PAUSE, at(9, None));
        assert_eq!(completer.look(9.0 + REST, PAUSE, at(9, None)), [Ask(4)]);
    }
}
