//! Answers that were given, for whoever asks the same again: in memory only, and only where the most probable text was
//! asked for, so that another answer was not to be expected.

use std::collections::VecDeque;

use weft_ai::request::Generate;

use super::routing::Route;
use crate::api::AiAnswer;

/// Answers that are remembered.
const ANSWERS_MAX: usize = 128;
/// Bytes of their text together.
const ANSWERS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Tells a question to somebody from every other one.
pub(super) type AnswerKey = [u8; 32];

/// The key of a question; `None` for one that is answered by dice or by the clock.
pub(super) fn key(route: &Route, asked: &Generate) -> Option<AnswerKey> {
    let is_certain = asked.sampling.temperature <= 0.0 && asked.time_millis == 0;
    let asked = postcard::to_allocvec(asked).ok().filter(|_| is_certain)?;
    let mut hash = blake3::Hasher::new();
    hash.update(route.identity().as_bytes()).update(&[0]).update(&asked);
    Some(*hash.finalize().as_bytes())
}

/// The answers that were given last.
#[derive(Debug, Default)]
pub(super) struct Answers {
    given: VecDeque<(AnswerKey, AiAnswer)>,
    bytes: usize,
}

impl Answers {
    /// The answer that was given to this, as one that cost nothing.
    pub(super) fn get(&self, key: &AnswerKey) -> Option<AiAnswer> {
        let (_, answer) = self.given.iter().find(|(known, _)| known == key)?;
        Some(AiAnswer { is_repeated: true, decoded_tokens: 0, seconds: 0.0, ..answer.clone() })
    }

    /// Remembers an answer that is whole.
    pub(super) fn put(&mut self, key: AnswerKey, answer: &AiAnswer) {
        let is_whole = matches!(answer.finish.as_str(), "end" | "stop" | "max_tokens");
        if !is_whole || answer.text.len() > ANSWERS_BYTES_MAX / 4 {
            return;
        }
        if let Some(at) = self.given.iter().position(|(known, _)| *known == key)
            && let Some((_, before)) = self.given.remove(at)
        {
            self.bytes -= before.text.len();
        }
        self.bytes += answer.text.len();
        self.given.push_back((key, answer.clone()));
        while self.given.len() > ANSWERS_MAX || self.bytes > ANSWERS_BYTES_MAX {
            let Some((_, gone)) = self.given.pop_front() else { return };
            self.bytes -= gone.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_ai::request::{Priority, Prompt, Sampling};

    fn answer(text: &str) -> AiAnswer {
        AiAnswer {
            text: text.to_owned(),
            finish: "end".to_owned(),
            tokens: 3,
            seconds: 1.0,
            ..AiAnswer::default()
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer() {
        let mut answers = Answers::default();
        answers.put([1; 32], &answer("a"));
        answers.put([1; 32], &answer("b"));
        let again = answers.get(&[1; 32]).unwrap();
        assert_eq!((again.text.as_str(), again.is_repeated, again.tokens), ("b", true, 3));
        assert_eq!((answers.get(&[2; 32]), answers.bytes), (None, 1));
        answers.put([2; 32], &AiAnswer { finish: "deadline".to_owned(), ..answer("cut") });
        assert_eq!(answers.get(&[2; 32]), None, "what broke off is asked again");
    }

    #[test]
    fn the_oldest_answers_go() {
        let mut answers = Answers::default();
        for number in 0..=ANSWERS_MAX {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            answers.put(key, &answer("x"));
        }
        assert_eq!((answers.given.len(), answers.bytes), (ANSWERS_MAX, ANSWERS_MAX));
        assert_eq!(answers.get(&[0; 32]), None);
        let long = "y".repeat(ANSWERS_BYTES_MAX / 4);
        for number in 200..205 {
            answers.put([number; 32], &answer(&long));
        }
        assert_eq!((answers.given.len(), answers.bytes), (4, ANSWERS_BYTES_MAX));
        answers.put([206; 32], &answer(&"y".repeat(ANSWERS_BYTES_MAX / 4 + 1)));
        assert_eq!(answers.get(&[206; 32]), None);
    }

    #[test]
    fn dice_and_clocks_are_not_remembered() {
        let server = |url: &str| {
            let record = crate::models::ModelRecord {
                id: "m".into(),
                sha256: url.into(),
                bytes: 0,
                source: String::new(),
                written: 0,
                chosen_for: Vec::new(),
                shared_in: Vec::new(),
            };
            Route::Device(record)
        };
        let asked = Generate::new(Prompt::Raw("a".into()), Priority::Chat);
        let one = key(&server("1"), &asked);
        assert!(one.is_some() && one == key(&server("1"), &asked) && one != key(&server("2"), &asked));
        assert_ne!(one, key(&server("1"), &Generate { max_tokens: 3, ..asked.clone() }));
        assert_eq!(key(&server("1"), &Generate { time_millis: 9, ..asked.clone() }), None);
        let dice = Sampling { temperature: 0.7, ..Sampling::default() };
        assert_eq!(key(&server("1"), &Generate { sampling: dice, ..asked }), None);
    }
}
