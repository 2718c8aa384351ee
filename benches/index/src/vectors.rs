//! Finding the nearest of many vectors, beside the least that looking at all of them could cost.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use weft_bench_report::{Report, best_of, median, now, ratio};
use weft_index::vectors::{KeptVector, Vectors};

use crate::text::percentile;

/// Vectors, and numbers of each: those of all-MiniLM-L6-v2.
const VECTORS: u32 = 100_000;
const NUMBERS: usize = 384;
const QUESTIONS: usize = 60;
/// Hits of one question.
const HITS: usize = 50;

fn drawn(rng: &mut ChaCha8Rng) -> Vec<f32> {
    let vector: Vec<f32> = (0..NUMBERS).map(|_| rng.random_range(-1.0..1.0)).collect();
    let length = vector.iter().map(|number: &f32| number * number).sum::<f32>().sqrt();
    vector.into_iter().map(|number| number / length).collect()
}

pub(crate) fn run(report: &mut Report) {
    report.section(&format!("the {HITS} nearest of {VECTORS} vectors of {NUMBERS} numbers"));
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut plain: Vec<f32> = Vec::with_capacity(VECTORS as usize * NUMBERS);
    let mut vectors = Vectors::default();
    for number in 0..VECTORS {
        let vector = drawn(&mut rng);
        assert!(vectors.put(number, &KeptVector::of(&vector).expect("a vector")));
        plain.extend(vector);
    }
    let questions: Vec<Vec<f32>> = (0..QUESTIONS).map(|_| drawn(&mut rng)).collect();
    let mut own = Vec::new();
    let (mut loops, mut wall) = (Vec::new(), Vec::new());
    let (mut same, mut all) = (0, 0);
    for question in &questions {
        let (start, processor) = (Instant::now(), now());
        let found = black_box(vectors.nearest(question, HITS, &|_| true));
        own.push(now() - processor);
        wall.push(start.elapsed());
        let processor = now();
        let expected = black_box(nearest(&plain, question));
        loops.push(now() - processor);
        same += found.iter().filter(|(number, _)| expected.contains(number)).count();
        all += expected.len();
    }
    // What cannot be avoided: all bytes come from memory once.
    let bytes = vec![1_u8; VECTORS as usize * NUMBERS];
    let read = best_read(&bytes);
    report.time("own, median", median(wall.clone()));
    report.time("own, 95 of 100", percentile(wall, 95));
    report.time("  of which this thread computed, median", median(own.clone()));
    report.time("  of which this thread computed, 95 of 100", percentile(own.clone(), 95));
    report.time("a plain loop over 32-bit numbers, computing, median", median(loops.clone()));
    report.time("reading the bytes", read);
    report.at_most("own / plain loop", ratio(median(own.clone()), median(loops)), 0.5);
    report.at_most("own / reading the bytes", ratio(median(own), read), 4.0);
    report.at_least("the same found as with 32-bit numbers", same as f64 / all as f64, 0.9);
}

/// The time to read some memory once.
fn best_read(bytes: &[u8]) -> Duration {
    let (words, _) = bytes.as_chunks::<8>();
    let read =
        || black_box(words).iter().fold(0_u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
    best_of(5, || black_box(read())).0
}

/// The numbers of the nearest, by a loop that keeps every product.
fn nearest(plain: &[f32], question: &[f32]) -> Vec<u32> {
    let product = |vector: &[f32]| vector.iter().zip(question).map(|(a, b)| a * b).sum::<f32>();
    let mut all: Vec<(u32, f32)> = (0..).zip(plain.chunks_exact(NUMBERS).map(product)).collect();
    all.select_nth_unstable_by(HITS, |a, b| b.1.total_cmp(&a.1));
    all.truncate(HITS);
    all.into_iter().map(|(number, _)| number).collect()
}
