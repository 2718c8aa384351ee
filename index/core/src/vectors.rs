//! Vectors that say what chunks are about, and which of them are nearest to another.
//!
//! A vector has length one, so that nearness is the dot product. Its numbers are kept as bytes with one factor for all of
//! them: measured on real embeddings that finds what 32-bit numbers find, in a quarter of the memory, and memory is what
//! bounds looking at all of them. The question keeps 13 bits of each of its numbers, so nothing has to be looked at again.

use crate::limits::VECTOR_NUMBERS_MAX;

/// The largest number of a question: products of it with a byte, as many as a vector may have, stay below 2^31.
const QUESTION_MAX: f32 = 4_095.0;

/// A vector as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptVector {
    /// What the bytes are to be multiplied with.
    pub factor: f32,
    /// The numbers.
    pub bytes: Vec<i8>,
}

impl KeptVector {
    /// Keeps a vector; `None` when it is none: empty, too long, all zero, or with numbers that are none.
    #[must_use]
    pub fn of(vector: &[f32]) -> Option<Self> {
        let largest = vector.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let is_sound = largest > 0.0 && vector.iter().all(|number| number.is_finite());
        if !is_sound || vector.len() > VECTOR_NUMBERS_MAX {
            return None;
        }
        let factor = largest / 127.0;
        let bytes = vector.iter().map(|number| (number / factor).round() as i8).collect();
        Some(Self { factor, bytes })
    }
}

/// Vectors of one length by number.
#[derive(Default)]
pub struct Vectors {
    numbers: usize,
    bytes: Vec<i8>,
    /// 0 where there is no vector.
    factors: Vec<f32>,
    count: usize,
}

impl Vectors {
    /// How many numbers a vector has; 0 before there is one.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.numbers
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there is one of a number.
    #[must_use]
    pub fn contains(&self, at: u32) -> bool {
        self.factors.get(at as usize).is_some_and(|factor| *factor > 0.0)
    }

    /// The vector of a number.
    #[must_use]
    pub fn get(&self, at: u32) -> Option<KeptVector> {
        let factor = *self.factors.get(at as usize).filter(|factor| **factor > 0.0)?;
        let start = at as usize * self.numbers;
        Some(KeptVector { factor, bytes: self.bytes.get(start..start + self.numbers)?.to_vec() })
    }

    /// Takes a vector in. `false` when it has another length than those that are there, or none.
    pub fn put(&mut self, at: u32, vector: &KeptVector) -> bool {
        if self.count == 0 {
            *self = Self { numbers: vector.bytes.len(), ..Self::default() };
        }
        let is_sound = vector.factor.is_finite() && vector.factor > 0.0;
        if vector.bytes.len() != self.numbers || self.numbers == 0 || !is_sound {
            return false;
        }
        let at = at as usize;
        if self.factors.len() <= at {
            self.factors.resize(at + 1, 0.0);
            self.bytes.resize((at + 1) * self.numbers, 0);
        }
        if self.factors[at] == 0.0 {
            self.count += 1;
        }
        self.factors[at] = vector.factor;
        self.bytes[at * self.numbers..(at + 1) * self.numbers].copy_from_slice(&vector.bytes);
        true
    }

    /// A vector is gone.
    pub fn remove(&mut self, at: u32) {
        if let Some(factor) = self.factors.get_mut(at as usize)
            && std::mem::take(factor) > 0.0
        {
            self.count -= 1;
        }
    }

    /// The vectors that are nearest to a question, the nearest first, at most so many, with the dot product. All are
    /// looked at.
    #[must_use]
    pub fn nearest(&self, question: &[f32], most: usize, is_wanted: &dyn Fn(u32) -> bool) -> Vec<(u32, f32)> {
        let largest = question.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let is_sound = largest > 0.0 && question.iter().all(|number| number.is_finite());
        if question.len() != self.numbers || self.count == 0 || !is_sound || most == 0 {
            return Vec::new();
        }
        let factor = largest / QUESTION_MAX;
        let question: Vec<i16> = question.iter().map(|number| (number / factor).round() as i16).collect();
        let mut best: Vec<(u32, f32)> = Vec::with_capacity(most.saturating_mul(2).min(self.count) + 1);
        let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let mut least = f32::NEG_INFINITY;
        for ((at, vector), own) in (0..).zip(self.bytes.chunks_exact(self.numbers)).zip(&self.factors) {
            if *own == 0.0 {
                continue;
            }
            let product = dot(vector, &question) as f32 * own * factor;
            if product > least && is_wanted(at) {
                best.push((at, product));
                if best.len() >= most.saturating_mul(2) {
                    best.select_nth_unstable_by(most - 1, order);
                    best.truncate(most);
                    least = best[most - 1].1;
                }
            }
        }
        best.sort_unstable_by(order);
        best.truncate(most);
        best
    }
}

/// The dot product. The blocks of a fixed length become instructions that take eight numbers at a time.
fn dot(bytes: &[i8], question: &[i16]) -> i32 {
    const BLOCK: usize = 32;
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let (question_blocks, question_rest) = question.as_chunks::<BLOCK>();
    let mut sum = 0;
    for (a, b) in blocks.iter().zip(question_blocks) {
        let mut block = 0;
        for index in 0..BLOCK {
            block += i32::from(i16::from(a[index])) * i32::from(b[index]);
        }
        sum += block;
    }
    sum + rest.iter().zip(question_rest).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look drawn and are not.
    fn vector(seed: u32, numbers: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let vector: Vec<f32> = (0..numbers).map(|_| next()).collect();
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        vector.iter().map(|number| number / length).collect()
    }

    #[test]
    fn the_nearest_are_those_of_a_plain_loop() {
        for numbers in [1, 31, 384, 385] {
            let all: Vec<Vec<f32>> = (0..500).map(|seed| vector(seed, numbers)).collect();
            let mut vectors = Vectors::default();
            for (at, vector) in (0..).zip(&all) {
                assert!(vectors.put(at, &KeptVector::of(vector).unwrap()));
            }
            let question = vector(9_999, numbers);
            let found = vectors.nearest(&question, 10, &|_| true);
            assert_eq!(found.len(), 10);
            for (at, score) in &found {
                let plain: f32 = all[*at as usize].iter().zip(&question).map(|(a, b)| a * b).sum();
                assert!((plain - score).abs() < 0.01, "{numbers} {at}: {plain} {score}");
            }
            let best = |at: &usize| all[*at].iter().zip(&question).map(|(a, b)| a * b).sum::<f32>();
            let plain = (0..all.len()).max_by(|a, b| best(a).total_cmp(&best(b))).unwrap();
            assert!(best(&(found[0].0 as usize)) > best(&plain) - 0.01);
        }
    }

    #[test]
    fn vectors_come_and_go() {
        let mut vectors = Vectors::default();
        let kept = |seed| KeptVector::of(&vector(seed, 8)).unwrap();
        assert!(vectors.nearest(&vector(1, 8), 3, &|_| true).is_empty());
        assert!(vectors.put(5, &kept(1)) && vectors.put(2, &kept(2)) && vectors.put(5, &kept(3)));
        assert_eq!((vectors.len(), vectors.contains(5), vectors.contains(3)), (2, true, false));
        assert_eq!(vectors.get(5), Some(kept(3)));
        assert!(!vectors.put(0, &KeptVector::of(&vector(1, 9)).unwrap()), "of another length");
        assert_eq!(vectors.nearest(&vector(3, 8), 9, &|at| at != 5).len(), 1);
        vectors.remove(5);
        vectors.remove(5);
        vectors.remove(77);
        assert_eq!(vectors.nearest(&vector(3, 8), 9, &|_| true).first().map(|(at, _)| *at), Some(2));
        vectors.remove(2);
        assert!(
            vectors.is_empty() && vectors.put(0, &KeptVector::of(&vector(1, 9)).unwrap()),
            "of any length again"
        );
    }

    #[test]
    fn what_is_no_vector_is_refused() {
        for none in
            [&[][..], &[0.0, 0.0], &[f32::NAN, 1.0], &[f32::INFINITY], &vec![1.0; VECTOR_NUMBERS_MAX + 1]]
        {
            assert_eq!(KeptVector::of(none), None);
        }
        // The largest products that there can be.
        let most = KeptVector::of(&vec![1.0; VECTOR_NUMBERS_MAX]).unwrap();
        let mut vectors = Vectors::default();
        assert!(vectors.put(0, &most));
        let found = vectors.nearest(&vec![1.0; VECTOR_NUMBERS_MAX], 1, &|_| true);
        assert!((found[0].1 / VECTOR_NUMBERS_MAX as f32 - 1.0).abs() < 0.001, "{found:?}");
        assert!(vectors.nearest(&[f32::NAN; VECTOR_NUMBERS_MAX], 1, &|_| true).is_empty());
        assert!(!vectors.put(1, &KeptVector { factor: f32::NAN, bytes: most.bytes }));
    }
}
