//! A panic in one part of the window is shown in its place; the rest goes on.

use std::{
    any::Any,
    cell::RefCell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The parts that have failed, with what they said.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    failed: RefCell<BTreeMap<&'static str, String>>,
}

impl Guard {
    /// Draws a part, unless it has failed before. `Err` gives what it said when it failed.
    pub(crate) fn draw<T>(&self, part: &'static str, draw: impl FnOnce() -> T) -> Result<T, String> {
        let failed = self.failed.borrow().get(part).cloned();
        if let Some(message) = failed {
            return Err(message);
        }
        // What a part holds is drawn anew in each frame, so nothing half-done of it is used again.
        catch_unwind(AssertUnwindSafe(draw)).map_err(|payload| {
            let message = message_of(payload.as_ref());
            tracing::error!(part, message, "a part of the window has failed");
            self.failed.borrow_mut().insert(part, message.clone());
            message
        })
    }

    /// Lets a part try again.
    pub(crate) fn retry(&self, part: &str) {
        self.failed.borrow_mut().remove(part);
    }
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason was given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_failed_is_left_alone_until_it_is_tried_again() {
        let guard = Guard::default();
        assert_eq!(guard.draw("Files", || 1), Ok(1));
        let failed = guard.draw("Files", || -> i32 { panic!("broken {}", 4) });
        assert_eq!(failed, Err("broken 4".to_owned()));
        assert_eq!(guard.draw("Files", || 2), Err("broken 4".to_owned()));
        assert_eq!(guard.draw("Editor", || 3), Ok(3));
        guard.retry("Files");
        assert_eq!(guard.draw("Files", || 4), Ok(4));
    }
}
