//! The index against a plain list of characters.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::document::actors::{Actors, Id};
use crate::ids::ActorId;

/// The rule of Automerge on a list, one character at a time.
#[derive(Default)]
struct Model {
    characters: Vec<(Id, bool)>,
}

impl Model {
    fn insert(&mut self, actors: &Actors, after: Option<Id>, id: Id, len: u32) -> usize {
        let mut after = after;
        let mut position = 0;
        for step in 0..len {
            let id = Id { counter: id.counter + step, ..id };
            let mut place = after.map_or(0, |after| self.place(after) + 1);
            while let Some((other, _)) = self.characters.get(place)
                && actors.compare(*other, id).is_gt()
            {
                place += 1;
            }
            self.characters.insert(place, (id, true));
            if step == 0 {
                position = self.visible_before(place);
            }
            after = Some(id);
        }
        position
    }

    fn place(&self, id: Id) -> usize {
        let place = self.characters.iter().position(|(other, _)| *other == id);
        place.unwrap()
    }

    fn visible_before(&self, place: usize) -> usize {
        let before = self.characters[..place].iter();
        before.filter(|(_, visible)| *visible).count()
    }
}

fn check_equal(index: &Index, model: &Model) {
    index.check_invariants();
    let mut characters = Vec::new();
    for run in index.runs() {
        for offset in 0..run.len() {
            characters.push((run.part(offset, 1).first(), run.is_visible()));
        }
    }
    assert_eq!(characters, model.characters);
    let mut visible = 0;
    for (place, (id, is_visible)) in model.characters.iter().enumerate() {
        let position = model.visible_before(place);
        assert_eq!(index.position(*id), Some((position, *is_visible)));
        if *is_visible {
            assert_eq!(index.id_at(visible), Some(*id));
            visible += 1;
        }
    }
    assert_eq!(index.id_at(visible), None);
}

fn random_edit(
    random: &mut impl Rng,
    actors: &Actors,
    index: &mut Index,
    model: &mut Model,
    next: &mut [u32],
) {
    let pick = |random: &mut dyn Rng, model: &Model| {
        let place = random.random_range(0..model.characters.len());
        model.characters[place].0
    };
    if !model.characters.is_empty() && random.random_bool(0.35) {
        let first = pick(random, model);
        let count = random.random_range(1..6);
        let ids = IdRun { first, count };
        if !index.contains(ids) {
            return;
        }
        let mut expected = Vec::new();
        for offset in 0..count {
            let place = model.place(Id { counter: first.counter + offset, ..first });
            if std::mem::replace(&mut model.characters[place].1, false) {
                expected.push(model.visible_before(place));
            }
        }
        let mut vanished = Vec::new();
        index.delete(ids, |at, count| vanished.extend(vec![at; count]));
        assert_eq!(vanished, expected);
        return;
    }
    let after = (!model.characters.is_empty() && random.random_bool(0.9)).then(|| pick(random, model));
    let actor = random.random_range(0..next.len());
    let least = after.map_or(0, |after| after.counter) + 1;
    let greatest = *next.iter().max().unwrap();
    let is_newest = random.random_bool(0.5);
    let counter = if is_newest { greatest } else { next[actor].max(least) };
    let len = random.random_range(1..5);
    next[actor] = counter + len + random.random_range(0..2);
    let id = Id { counter, actor: actor as u32 };
    let expected = model.insert(actors, after, id, len);
    let is_newest = is_newest && counter >= greatest;
    assert_eq!(index.insert(actors, after, id, len, is_newest), Some(expected));
}

#[test]
fn random_edits_give_what_the_rule_says() {
    for seed in 0..60 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut actors = Actors::default();
        for _ in 0..random.random_range(1..5) {
            actors.intern(ActorId::from_bytes(&[random.random(), 1]).unwrap());
        }
        let mut index = Index::new();
        let mut model = Model::default();
        let mut next = vec![1; actors.len()];
        for step in 0..250 {
            random_edit(&mut random, &actors, &mut index, &mut model, &mut next);
            if step % 25 == 0 {
                check_equal(&index, &model);
            }
        }
        check_equal(&index, &model);
        let mut copy = Index::new();
        index.runs().for_each(|run| copy.append(run));
        check_equal(&copy, &model);
    }
}

#[test]
fn unknown_characters_are_found_nowhere() {
    let mut actors = Actors::default();
    actors.intern(ActorId::from([1; 16]));
    let mut index = Index::new();
    let id = |counter, actor| Id { counter, actor };
    assert_eq!(index.insert(&actors, None, id(5, 0), 3, true), Some(0));
    for unknown in [id(4, 0), id(8, 0), id(5, 1)] {
        assert_eq!(index.position(unknown), None);
        assert_eq!(index.insert(&actors, Some(unknown), id(20, 0), 1, true), None);
        assert!(!index.contains(IdRun { first: unknown, count: 1 }));
    }
    assert!(index.contains(IdRun { first: id(5, 0), count: 3 }));
    assert!(!index.contains(IdRun { first: id(5, 0), count: 4 }));
    assert_eq!(index.len_visible(), 3);
}
