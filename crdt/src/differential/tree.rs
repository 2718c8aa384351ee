//! Histories of registers.

use std::collections::BTreeSet;

use automerge::{Automerge, ReadDoc, ScalarValue, transaction::Transactable};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::edits::text;
use super::network::{
    Network, automerge_actor, automerge_heads, random_actors, random_document, random_key, to_automerge,
};
use super::{Difference, ensure_equal};
use crate::change::{Author, Change, Value};
use crate::document::{RegisterEdit, TreeApplied, TreeDocument};
use crate::ids::{ActorId, ChangeHash, OpId};

struct Replica {
    actor: ActorId,
    ours: TreeDocument,
    theirs: Automerge,
    held: BTreeSet<ChangeHash>,
}

pub(super) fn history(random: &mut ChaCha8Rng) -> Result<(), Difference> {
    let id = random_document(random);
    let count = random.random_range(3..7);
    let mut replicas: Vec<_> = random_actors(random, count)
        .into_iter()
        .map(|actor| Replica {
            actor,
            ours: TreeDocument::new(id),
            theirs: Automerge::new().with_actor(automerge_actor(&actor)),
            held: BTreeSet::new(),
        })
        .collect();
    let mut network = Network::default();
    for _ in 0..random.random_range(5..40) {
        let replica = random.random_range(0..count);
        if random.random_bool(0.6) {
            replicas[replica].edit(random, &mut network)?;
        } else {
            let from = replicas[random.random_range(0..count)].held.clone();
            let parts = random.random_range(1..12);
            replicas[replica].receive(random, &network, &from, parts)?;
        }
    }
    let everything: BTreeSet<_> = network.all().map(|sent| sent.change.hash()).collect();
    for replica in &mut replicas {
        replica.receive(random, &network, &everything, usize::MAX)?;
        replica.check_saved(&network)?;
    }
    let first = &replicas[0].ours;
    for replica in &replicas {
        ensure_equal!(TreeDocument::changed_keys(first, &replica.ours), Vec::<String>::new(), "replicas");
        ensure_equal!(replica.ours.heads(), first.heads(), "heads of two replicas");
    }
    withdraw(random, id, &network, first)
}

/// Takes changes back: what is left must be what Automerge makes of the others.
fn withdraw(
    random: &mut ChaCha8Rng,
    id: crate::DocumentId,
    network: &Network,
    full: &TreeDocument,
) -> Result<(), Difference> {
    let gone = network.without_some(random);
    let kept: Vec<&Change> =
        network.all().map(|sent| &sent.change).filter(|change| !gone.contains(&change.hash())).collect();
    let (ours, left_out) = TreeDocument::rebuild(id, kept.iter().copied());
    ensure_equal!(left_out, Vec::<Change>::new(), "left out");
    let mut theirs = Automerge::new();
    let changes = kept.into_iter().map(to_automerge).collect::<Result<Vec<_>, _>>()?;
    theirs.apply_changes(changes).map_err(|error| error.to_string())?;
    let held = BTreeSet::new();
    let replica = Replica { actor: ActorId::from([1; 16]), ours, theirs, held };
    replica.check("changes were withdrawn")?;
    for key in TreeDocument::changed_keys(full, &replica.ours) {
        let before: Vec<_> = full.values(&key).collect();
        let after: Vec<_> = replica.ours.values(&key).collect();
        ensure_equal!(before == after, false, "values of a changed key");
    }
    Ok(())
}

impl Replica {
    fn edit(&mut self, random: &mut ChaCha8Rng, network: &mut Network) -> Result<(), Difference> {
        let edits: Vec<_> = (0..random.random_range(1..5))
            .map(|_| RegisterEdit { key: random_key(random), value: random_value(random) })
            .collect();
        match random.random_range(0..10) {
            0..5 => self.edit_as_automerge(random, &edits, network),
            5 => self.edit_as_ours(&edits, network, Author::ContentNamed),
            _ => self.edit_as_ours(&edits, network, Author::Session(self.actor)),
        }
    }

    fn edit_as_ours(
        &mut self,
        edits: &[RegisterEdit],
        network: &mut Network,
        author: Author,
    ) -> Result<(), Difference> {
        let edited = self.ours.edit(author, edits, 5).map_err(|error| error.to_string())?;
        for change in &edited.changes {
            ensure_equal!(Change::parse(change.bytes()).as_ref(), Ok(change), "our change read back");
            let change_of_theirs = to_automerge(change)?;
            self.theirs.apply_changes([change_of_theirs]).map_err(|error| error.to_string())?;
            self.hold(change, network);
        }
        self.check("an edit of ours")
    }

    fn edit_as_automerge(
        &mut self,
        random: &mut ChaCha8Rng,
        edits: &[RegisterEdit],
        network: &mut Network,
    ) -> Result<(), Difference> {
        let mut transaction = self.theirs.transaction();
        for RegisterEdit { key, value } in edits {
            let written = match value {
                None => transaction.delete(automerge::ROOT, key.as_str()),
                Some(value) => transaction.put(automerge::ROOT, key.as_str(), scalar(value)),
            };
            written.map_err(|error| error.to_string())?;
        }
        let time = random.random_range(0..1 << 40);
        let options = automerge::transaction::CommitOptions::default().with_time(time);
        if transaction.commit_with(options).0.is_none() {
            return Ok(());
        }
        let change = self.theirs.get_last_local_change().ok_or("automerge made no change")?;
        let change = Change::parse(change.raw_bytes())
            .map_err(|error| format!("a change of automerge is refused: {error}"))?;
        self.apply_to_ours(&change, self.actor)?;
        self.hold(&change, network);
        self.check("an edit of automerge")
    }

    fn hold(&mut self, change: &Change, network: &mut Network) {
        network.send(change, self.actor);
        self.held.insert(change.hash());
    }

    fn apply_to_ours(&mut self, change: &Change, log_actor: ActorId) -> Result<(), Difference> {
        let before = self.ours.clone();
        match self.ours.apply(change, &log_actor) {
            Ok(TreeApplied::Applied { changed_keys }) => {
                let changed = TreeDocument::changed_keys(&before, &self.ours);
                let all_told = changed.iter().all(|key| changed_keys.contains(key));
                ensure_equal!(all_told, true, "told of changed keys");
                Ok(())
            }
            other => Err(format!("our document answers {other:?} to a good change")),
        }
    }

    fn receive(
        &mut self,
        random: &mut ChaCha8Rng,
        network: &Network,
        from: &BTreeSet<ChangeHash>,
        count: usize,
    ) -> Result<(), Difference> {
        let arriving = network.pick(random, from, &self.held, count);
        let mut changes = Vec::new();
        for hash in &arriving {
            let sent = network.get(hash);
            self.apply_to_ours(&sent.change, sent.log_actor)?;
            changes.push(to_automerge(&sent.change)?);
        }
        self.theirs.apply_changes(changes).map_err(|error| error.to_string())?;
        self.held.extend(arriving);
        self.check("changes of others")?;
        self.ours = TreeDocument::from_snapshot(self.ours.id(), &self.ours.snapshot())
            .map_err(|error| error.to_string())?;
        self.check("a snapshot")
    }

    fn check(&self, after: &str) -> Result<(), Difference> {
        let heads = automerge_heads(&self.theirs);
        ensure_equal!(self.ours.heads().hashes(), heads.as_slice(), "heads after {after}");
        let keys: Vec<String> = self.theirs.keys(automerge::ROOT).collect();
        ensure_equal!(self.ours.keys().collect::<Vec<_>>(), keys, "keys after {after}");
        for key in &keys {
            let ours: Vec<_> =
                self.ours.values(key).map(|(id, value)| (op_name(&id), scalar(value))).collect();
            let all = self.theirs.get_all(automerge::ROOT, key.as_str());
            let theirs: Vec<_> = all
                .map_err(|error| error.to_string())?
                .into_iter()
                .filter_map(|(value, id)| Some((id.to_string(), value.into_scalar().ok()?)))
                .collect();
            ensure_equal!(ours, theirs, "values of {key} after {after}");
            let shown = self.theirs.get(automerge::ROOT, key.as_str()).unwrap();
            let shown = shown.and_then(|(value, _)| value.into_scalar().ok());
            ensure_equal!(self.ours.get(key).map(scalar), shown, "shown value of {key} after {after}");
        }
        Ok(())
    }

    fn check_saved(&self, network: &Network) -> Result<(), Difference> {
        let saved = Automerge::load(&self.theirs.save()).map_err(|error| error.to_string())?;
        let mut again = TreeDocument::new(self.ours.id());
        for change in saved.get_changes(&[]) {
            let sent = network.get(&ChangeHash::from_bytes(change.hash().0));
            ensure_equal!(change.raw_bytes(), sent.change.bytes(), "bytes of a saved change");
            let applied = again.apply(&sent.change, &sent.log_actor);
            let is_applied = matches!(applied, Ok(TreeApplied::Applied { .. }));
            ensure_equal!(is_applied, true, "a change in a new document");
        }
        ensure_equal!(TreeDocument::changed_keys(&again, &self.ours), Vec::<String>::new(), "made again");
        Ok(())
    }
}

/// An operation as Automerge writes it.
fn op_name(id: &OpId) -> String {
    id.to_string()
}

pub(super) fn random_value(random: &mut ChaCha8Rng) -> Option<Value> {
    Some(match random.random_range(0..6) {
        0 => return None,
        1 => Value::Bool(random.random()),
        2 => Value::Uint(random.random::<u64>() >> random.random_range(0..64)),
        3 => Value::Bytes((0..random.random_range(0..70)).map(|_| random.random()).collect()),
        _ => {
            let pieces = random.random_range(0..3);
            Value::Str(text(random, pieces))
        }
    })
}

fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Bytes(bytes) => ScalarValue::Bytes(bytes.clone()),
        Value::Str(text) => ScalarValue::Str(text.as_str().into()),
        Value::Uint(number) => ScalarValue::Uint(*number),
        Value::Bool(value) => ScalarValue::Boolean(*value),
    }
}
