//! Notices a model that says the same thing over and over.

/// The longest pattern that is looked for, in tokens.
const PERIOD_MAX: usize = 64;
/// How often a pattern must have come.
const TIMES_MIN: usize = 6;
/// How many tokens the repetitions must have together. Rows of a table and runs of spaces are shorter.
const TOKENS_MIN: usize = 96;

/// Watches the tokens of one answer.
#[derive(Debug, Default)]
pub struct Repetition {
    tokens: Vec<i32>,
    /// For each period, how many of the last tokens equal the one a period before.
    runs: Vec<usize>,
}

impl Repetition {
    /// Takes a token and says whether the answer goes round in circles now.
    pub fn push(&mut self, token: i32) -> bool {
        self.runs.resize(PERIOD_MAX + 1, 0);
        let length = self.tokens.len();
        let mut is_repeating = false;
        for period in 1..=PERIOD_MAX.min(length) {
            let run = if self.tokens[length - period] == token { self.runs[period] + 1 } else { 0 };
            self.runs[period] = run;
            is_repeating |= run + period >= TOKENS_MIN.max(period * TIMES_MIN);
        }
        self.tokens.push(token);
        is_repeating
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many tokens it is noticed.
    fn noticed(tokens: impl IntoIterator<Item = i32>) -> Option<usize> {
        let mut repetition = Repetition::default();
        tokens.into_iter().position(|token| repetition.push(token)).map(|at| at + 1)
    }

    #[test]
    fn circles_of_any_length_are_noticed() {
        assert_eq!(noticed(std::iter::repeat_n(7, 200)), Some(TOKENS_MIN));
        for period in [2, 10, 16, 33, PERIOD_MAX] {
            let circle = (0..period as i32).cycle().take(period * 96);
            assert_eq!(noticed(circle), Some(TOKENS_MIN.max(period * TIMES_MIN)), "{period}");
        }
    }

    #[test]
    fn text_that_moves_on_is_not() {
        assert_eq!(noticed(0..2000), None);
        // Rows of a table: the same frame around something that changes.
        let rows = (0..200).flat_map(|row| [1, 2, 1000 + row, 3, 4]);
        assert_eq!(noticed(rows), None);
        assert_eq!(noticed(std::iter::repeat_n(7, TOKENS_MIN - 1).chain([8])), None);
    }
}
