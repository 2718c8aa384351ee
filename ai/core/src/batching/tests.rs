use super::*;
use proptest::prelude::*;

fn tokens(text: &str) -> Vec<Token> {
    text.bytes().map(|byte| Token(i32::from(byte))).collect()
}

fn job(id: u64, priority: Priority, text: &str, max_tokens: usize) -> Job {
    Job { id: JobId(id), priority, tokens: tokens(text), max_tokens }
}

fn text(rows: &[Row]) -> String {
    rows.iter().map(|row| char::from(u8::try_from(row.token.0).expect("a letter"))).collect()
}

/// Computes one step, and answers each request with `x`.
fn run(batcher: &mut Batcher) -> Step {
    let step = batcher.plan();
    batcher.computed();
    for row in step.rows.iter().filter(|row| row.wants_logits) {
        let id = batcher.job_of(row.slot).expect("a request");
        if !batcher.push(id, Token(i32::from(b'x'))) {
            batcher.finish(id);
        }
    }
    step
}

/// Runs until nothing is to be done, and gives the number of rows.
fn drain(batcher: &mut Batcher) -> usize {
    let mut rows = 0;
    while !batcher.is_idle() {
        let step = run(batcher);
        assert!(!step.rows.is_empty(), "it stands still: {batcher:?}");
        rows += step.rows.len();
    }
    rows
}

#[test]
fn a_beginning_that_is_known_is_not_computed_again() {
    let mut batcher = Batcher::new(2, 1000, 64);
    batcher.submit(job(1, Priority::Chat, "the same beginning, one", 3)).expect("a place");
    // The prompt, and the tokens of the answer but the last.
    assert_eq!(drain(&mut batcher), 23 + 2);
    batcher.submit(job(2, Priority::Chat, "the same beginning, two!", 1)).expect("a place");
    let step = run(&mut batcher);
    assert_eq!(step.started, [Started { id: JobId(2), reused: 20, is_resumed: false }]);
    assert_eq!(step.changes, [CacheChange::Trim { slot: step.rows[0].slot, from: 20 }]);
    assert_eq!(text(&step.rows), "two!");
    assert!(batcher.is_idle());
    // The very same prompt: only its last token.
    batcher.submit(job(3, Priority::Chat, "the same beginning, two!", 1)).expect("a place");
    assert_eq!(text(&run(&mut batcher).rows), "!");
}

#[test]
fn a_beginning_is_copied_from_a_slot_at_work() {
    let mut batcher = Batcher::new(2, 1000, 64);
    batcher.submit(job(1, Priority::Chat, "a long system prompt. A", 50)).expect("a place");
    run(&mut batcher);
    batcher.submit(job(2, Priority::Chat, "a long system prompt. B", 50)).expect("a place");
    let step = run(&mut batcher);
    let (from, to) = (SlotIndex(1), SlotIndex(0));
    let (from, to) = if step.started[0].reused == 22
        && step.changes.contains(&CacheChange::Copy { from, to, tokens: 22 })
    {
        (from, to)
    } else {
        (to, from)
    };
    assert_eq!(
        step.changes,
        [CacheChange::Trim { slot: to, from: 0 }, CacheChange::Copy { from, to, tokens: 22 }]
    );
    assert_eq!(text(&step.rows), "xB");
}

#[test]
fn prompts_are_cut_into_steps_and_answers_go_on_beside_them() {
    let mut batcher = Batcher::new(2, 1000, 8);
    batcher.submit(job(1, Priority::Chat, "abc", 10)).expect("a place");
    run(&mut batcher);
    batcher.submit(job(2, Priority::Chat, "0123456789ABCDEF", 10)).expect("a place");
    assert_eq!(text(&run(&mut batcher).rows), "x0123456");
    assert_eq!(
        batcher.read_of_prompt(SlotIndex(0)).or(batcher.read_of_prompt(SlotIndex(1))).map(|read| read.0 > 0),
        Some(true)
    );
    assert_eq!(text(&run(&mut batcher).rows), "x789ABCD");
    assert_eq!(text(&run(&mut batcher).rows), "xEF");
}

#[test]
fn who_types_goes_first_and_what_is_lent_stands_still() {
    let mut batcher = Batcher::new(2, 1000, 8);
    batcher.submit(job(1, Priority::Lent, "lent", 50)).expect("a place");
    run(&mut batcher);
    run(&mut batcher);
    batcher.submit(job(2, Priority::Chat, "chat", 50)).expect("a place");
    assert_eq!(text(&run(&mut batcher).rows), "chat");
    assert_eq!(text(&run(&mut batcher).rows), "x");
    // No slot is left: what is lent makes room at once, and loses nothing.
    batcher.submit(job(3, Priority::Completion, "type", 1)).expect("a place");
    let step = run(&mut batcher);
    assert_eq!(text(&step.rows), "xtype");
    batcher.cancel(JobId(2));
    let step = run(&mut batcher);
    assert!(step.started[0].is_resumed);
    assert!(text(&step.rows).ends_with('x') && batcher.job_of(step.rows[0].slot) == Some(JobId(1)));
}

#[test]
fn those_that_wait_are_begun_in_the_order_of_who_waits() {
    let mut batcher = Batcher::new(1, 1000, 64);
    for (id, priority) in
        [(1, Priority::Chat), (2, Priority::Indexing), (3, Priority::Agent), (4, Priority::Completion)]
    {
        batcher.submit(job(id, priority, "p", 2)).expect("a place");
    }
    let mut order = Vec::new();
    while !batcher.is_idle() {
        order.extend(run(&mut batcher).started.iter().map(|started| started.id.0));
    }
    assert_eq!(order, [4, 1, 3, 2]);
}

#[test]
fn cancelling_takes_effect_with_the_next_step() {
    let mut batcher = Batcher::new(1, 1000, 4);
    batcher.submit(job(1, Priority::Chat, "a very long prompt", 50)).expect("a place");
    batcher.submit(job(2, Priority::Chat, "b", 50)).expect("a place");
    run(&mut batcher);
    assert!(batcher.cancel(JobId(1)) && !batcher.cancel(JobId(1)));
    assert_eq!(text(&run(&mut batcher).rows), "b");
    assert!(batcher.cancel(JobId(2)));
    assert!(batcher.plan().rows.is_empty() && batcher.is_idle());
}

#[test]
fn what_does_not_fit_is_told_and_what_is_too_much_is_refused() {
    let mut batcher = Batcher::new(1, 8, 4);
    let refused = batcher.submit(job(1, Priority::Chat, "12345678", 1));
    assert_eq!(refused, Err(SubmitError::TooLong { tokens: 8, context: 8 }));
    assert_eq!(batcher.submit(job(1, Priority::Chat, "", 1)), Err(SubmitError::Empty));
    batcher.submit(job(1, Priority::Chat, "1234567", 100)).expect("a place");
    assert_eq!(drain(&mut batcher), 7);
    for id in 0..REQUESTS_MAX as u64 {
        batcher.submit(job(id, Priority::Chat, "1", 1)).expect("a place");
    }
    assert_eq!(batcher.submit(job(9999, Priority::Chat, "1", 1)), Err(SubmitError::Full));
}

#[test]
fn a_step_that_failed_forgets_everything() {
    let mut batcher = Batcher::new(2, 100, 8);
    batcher.submit(job(1, Priority::Chat, "abcd", 5)).expect("a place");
    batcher.submit(job(2, Priority::Chat, "efgh", 5)).expect("a place");
    batcher.submit(job(3, Priority::Chat, "ijkl", 5)).expect("a place");
    batcher.plan();
    let mut ids = batcher.reset();
    ids.sort();
    assert_eq!(ids, [JobId(1), JobId(2), JobId(3)]);
    batcher.submit(job(4, Priority::Chat, "abcd", 1)).expect("a place");
    assert_eq!(text(&run(&mut batcher).rows), "abcd");
}

/// The cache of a model, which complains about what a real one would do wrong.
#[derive(Default)]
struct Cache(Vec<Vec<Token>>);

impl Cache {
    fn apply(&mut self, step: &Step, context: usize, batch: usize) {
        for change in &step.changes {
            match *change {
                CacheChange::Trim { slot, from } => self.0[slot.0].truncate(from),
                CacheChange::Copy { from, to, tokens } => {
                    assert!(self.0[to.0].is_empty(), "a copy onto something");
                    self.0[to.0] = self.0[from.0][..tokens].to_vec();
                }
            }
        }
        assert!(step.rows.len() <= batch);
        for row in &step.rows {
            assert_eq!(self.0[row.slot.0].len(), row.position, "a hole in a sequence");
            self.0[row.slot.0].push(row.token);
        }
        assert!(self.0.iter().map(Vec::len).sum::<usize>() <= context, "the cache is too small");
    }
}

proptest! {
    /// Whatever is asked and cancelled, the cache holds what the batcher believes, and everybody is answered in full.
    #[test]
    fn sequences_are_whole_and_everybody_is_answered(
        jobs in prop::collection::vec((0_usize..5, "[ab]{1,30}", 1_usize..20, 0_usize..4), 1..25),
        slots in 1_usize..5, batch in 1_usize..12,
    ) {
        const CONTEXT: usize = 60;
        let all = [Priority::Completion, Priority::Chat, Priority::Agent, Priority::Lent, Priority::Indexing];
        let mut batcher = Batcher::new(slots, CONTEXT, batch);
        let mut cache = Cache(vec![Vec::new(); slots]);
        let mut answers = std::collections::BTreeMap::new();
        let mut wanted = std::collections::BTreeMap::new();
        let mut work = |batcher: &mut Batcher, answers: &mut std::collections::BTreeMap<JobId, usize>| {
            let step = batcher.plan();
            cache.apply(&step, CONTEXT, batch);
            batcher.computed();
            for row in step.rows.iter().filter(|row| row.wants_logits) {
                let id = batcher.job_of(row.slot).expect("a request");
                *answers.entry(id).or_default() += 1;
                if !batcher.push(id, Token(99)) {
                    batcher.finish(id);
                }
            }
            step.rows.len()
        };
        for (id, (priority, prompt, max_tokens, steps)) in jobs.into_iter().enumerate() {
            let job = Job { id: JobId(id as u64), priority: all[priority], tokens: tokens(&prompt), max_tokens };
            wanted.insert(job.id, max_tokens.min(CONTEXT - prompt.len()));
            batcher.submit(job).expect("a place");
            for _ in 0..steps {
                work(&mut batcher, &mut answers);
            }
        }
        for _ in 0..10_000 {
            if batcher.is_idle() { break }
            prop_assert!(work(&mut batcher, &mut answers) > 0, "it stands still");
        }
        prop_assert_eq!(answers, wanted);
    }
}
