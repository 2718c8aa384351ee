//! Histories of texts.

use std::collections::BTreeSet;

use automerge::{Automerge, ReadDoc, transaction::Transactable};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::edits::{Typist, text};
use super::network::{
    Network, automerge_actor, automerge_heads, random_actors, random_document, to_automerge,
};
use super::{Difference, ensure_equal};
use crate::change::{Author, Change};
use crate::document::{Applied, Edited, History, PastText, TextDocument, UndoLog};
use crate::ids::{ActorId, ChangeHash, DocumentId};
use crate::text::Patch;

/// One person's device: our document, Automerge's, and a plain text that only patches touch.
struct Replica {
    actor: ActorId,
    ours: TextDocument,
    theirs: Automerge,
    text: automerge::ObjId,
    plain: Vec<char>,
    held: BTreeSet<ChangeHash>,
    undo: UndoLog,
    /// Texts that may come back changed, as files on a disk do.
    kept: Vec<PastText>,
}

pub(super) fn history(random: &mut ChaCha8Rng) -> Result<(), Difference> {
    let id = random_document(random);
    let base_pieces = random.random_range(0..20);
    let base = text(random, base_pieces);
    let count = random.random_range(3..7);
    let typist = Typist::new(random);
    let mut replicas = random_actors(random, count)
        .into_iter()
        .map(|actor| Replica::new(id, &base, actor))
        .collect::<Result<Vec<_>, _>>()?;
    let mut network = Network::default();
    for _ in 0..random.random_range(10..50) {
        let replica = random.random_range(0..count);
        if random.random_bool(0.6) {
            replicas[replica].edit(random, &typist, &mut network)?;
        } else {
            let from = replicas[random.random_range(0..count)].held.clone();
            let parts = random.random_range(1..12);
            replicas[replica].receive(random, &network, &from, parts)?;
        }
    }
    let everything: BTreeSet<_> = network.all().map(|sent| sent.change.hash()).collect();
    for replica in &mut replicas {
        replica.receive(random, &network, &everything, usize::MAX)?;
        ensure_equal!(replica.held, everything, "what arrived");
    }
    let first = &replicas[0];
    for replica in &replicas {
        ensure_equal!(replica.ours.text(), first.ours.text(), "texts of two replicas");
        ensure_equal!(replica.ours.heads(), first.ours.heads(), "heads of two replicas");
        replica.check_saved(&network)?;
    }
    withdraw(random, &base, &network, &first.ours)
}

/// Takes changes back with all that builds upon them: what is left must be what Automerge makes of the others. Then
/// gives them back.
fn withdraw(
    random: &mut ChaCha8Rng,
    base: &str,
    network: &Network,
    full: &TextDocument,
) -> Result<(), Difference> {
    let id = full.id();
    let gone = network.without_some(random);
    let all: Vec<&Change> = network.all().map(|sent| &sent.change).collect();
    let (kept, withdrawn): (Vec<&Change>, Vec<&Change>) =
        all.iter().partition(|change| !gone.contains(&change.hash()));
    let (ours, left_out) =
        TextDocument::rebuild(id, base, kept.iter().copied()).map_err(|error| error.to_string())?;
    ensure_equal!(left_out, Vec::<Change>::new(), "left out");
    let mut replica = Replica::new(id, base, ActorId::from([1; 16]))?;
    apply_to_automerge(&mut replica.theirs, kept.iter().copied())?;
    replica.plain = full.text().chars().collect();
    replica.patch(&TextDocument::difference(full, &ours));
    replica.ours = ours;
    replica.check("changes were withdrawn")?;

    let history = History::new(id, base, all.iter().rev().copied()).map_err(|error| error.to_string())?;
    let past = history.text_at(replica.ours.heads()).ok_or("history lacks a version")?;
    ensure_equal!(past.text(), replica.ours.text(), "text at a version");
    for change in withdrawn {
        replica.apply_to_ours(change, change.actor())?;
    }
    ensure_equal!(replica.ours.text(), full.text(), "text after changes came back");
    ensure_equal!(replica.ours.heads(), full.heads(), "heads after changes came back");
    Ok(())
}

impl Replica {
    fn new(id: DocumentId, base: &str, actor: ActorId) -> Result<Self, Difference> {
        let ours = TextDocument::new(id, base).map_err(|error| error.to_string())?;
        let genesis = TextDocument::genesis(id, base).map_err(|error| error.to_string())?;
        let mut theirs = Automerge::new().with_actor(automerge_actor(&actor));
        apply_to_automerge(&mut theirs, [&genesis])?;
        let (_, text) = theirs.get(automerge::ROOT, "text").unwrap().ok_or("automerge finds no text")?;
        let plain = base.chars().collect();
        let kept = vec![ours.keep()];
        let held = BTreeSet::new();
        let replica = Self { actor, ours, theirs, text, plain, held, undo: UndoLog::new(), kept };
        replica.check("a new document")?;
        Ok(replica)
    }

    fn edit(
        &mut self,
        random: &mut ChaCha8Rng,
        typist: &Typist,
        network: &mut Network,
    ) -> Result<(), Difference> {
        match random.random_range(0..12) {
            0..5 => self.edit_as_automerge(random, typist, network),
            5 => self.edit_as_ours(random, typist, network, Author::ContentNamed),
            6 => self.save_older(random, typist, network),
            7 => self.change_mind(random, network),
            _ => self.edit_as_ours(random, typist, network, Author::Session(self.actor)),
        }
    }

    fn edit_as_ours(
        &mut self,
        random: &mut ChaCha8Rng,
        typist: &Typist,
        network: &mut Network,
        author: Author,
    ) -> Result<(), Difference> {
        let edits = typist.edits(random, self.plain.len());
        let time = random.random_range(0..1 << 40);
        let edited = self.ours.edit(author, &edits, time).map_err(|error| error.to_string())?;
        self.undo.push(edited.step.clone(), random.random_bool(0.3));
        if random.random_bool(0.3) {
            self.kept.push(self.ours.keep());
        }
        self.edited(edited, network)
    }

    /// Saves an older text with edits in it.
    fn save_older(
        &mut self,
        random: &mut ChaCha8Rng,
        typist: &Typist,
        network: &mut Network,
    ) -> Result<(), Difference> {
        let base = &self.kept[random.random_range(0..self.kept.len())];
        let mut saved: Vec<char> = base.text().chars().collect();
        for edit in typist.edits(random, saved.len()) {
            saved.splice(edit.at.0..edit.at.0 + edit.delete, edit.insert.chars());
        }
        let saved: String = saved.into_iter().collect();
        let author = if random.random_bool(0.5) { Author::ContentNamed } else { Author::Session(self.actor) };
        let is_newest = base.heads() == self.ours.heads();
        let edited = self.ours.replace_text_at(base, &saved, author, 5).map_err(|error| error.to_string())?;
        if is_newest {
            ensure_equal!(self.ours.text(), saved, "saved text");
        }
        self.edited(edited, network)
    }

    fn change_mind(&mut self, random: &mut ChaCha8Rng, network: &mut Network) -> Result<(), Difference> {
        let edited = if random.random_bool(0.6) {
            self.ours.undo(&mut self.undo, self.actor, 5)
        } else {
            self.ours.redo(&mut self.undo, self.actor, 5)
        };
        match edited.map_err(|error| error.to_string())? {
            Some(edited) => self.edited(edited, network),
            None => Ok(()),
        }
    }

    fn edited(&mut self, edited: Edited, network: &mut Network) -> Result<(), Difference> {
        self.patch(&edited.patches);
        for change in &edited.changes {
            ensure_equal!(Change::parse(change.bytes()).as_ref(), Ok(change), "our change read back");
            apply_to_automerge(&mut self.theirs, [change])?;
            self.hold(change, network);
        }
        self.check("an edit of ours")
    }

    fn edit_as_automerge(
        &mut self,
        random: &mut ChaCha8Rng,
        typist: &Typist,
        network: &mut Network,
    ) -> Result<(), Difference> {
        let mut transaction = self.theirs.transaction();
        for edit in typist.edits(random, self.plain.len()) {
            let delete = edit.delete as isize;
            let spliced = transaction.splice_text(&self.text, edit.at.0, delete, &edit.insert);
            spliced.map_err(|error| error.to_string())?;
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

    fn receive(
        &mut self,
        random: &mut ChaCha8Rng,
        network: &Network,
        from: &BTreeSet<ChangeHash>,
        count: usize,
    ) -> Result<(), Difference> {
        let arriving = network.pick(random, from, &self.held, count);
        let in_one = random.random_bool(0.5);
        for hash in &arriving {
            let sent = network.get(hash);
            self.apply_to_ours(&sent.change, sent.log_actor)?;
            if !in_one {
                apply_to_automerge(&mut self.theirs, [&sent.change])?;
                self.check("one change of another")?;
            }
        }
        if in_one {
            let changes = arriving.iter().map(|hash| &network.get(hash).change);
            apply_to_automerge(&mut self.theirs, changes)?;
        }
        self.held.extend(arriving);
        self.check("changes of others")?;
        self.check_reloaded()
    }

    fn apply_to_ours(&mut self, change: &Change, log_actor: ActorId) -> Result<(), Difference> {
        match self.ours.apply(change, &log_actor) {
            Ok(Applied::Applied(patches)) => {
                self.patch(&patches);
                Ok(())
            }
            other => Err(format!("our document answers {other:?} to a good change")),
        }
    }

    fn patch(&mut self, patches: &[Patch]) {
        for patch in patches {
            let range = patch.at.0..patch.at.0 + patch.delete;
            self.plain.splice(range, patch.insert.chars());
        }
    }

    fn check(&self, after: &str) -> Result<(), Difference> {
        let theirs = self.theirs.text(&self.text).map_err(|error| error.to_string())?;
        ensure_equal!(self.ours.text(), theirs, "text after {after}");
        ensure_equal!(self.plain.iter().collect::<String>(), theirs, "patched text after {after}");
        let heads = automerge_heads(&self.theirs);
        ensure_equal!(self.ours.heads().hashes(), heads.as_slice(), "heads after {after}");
        self.ours.check_invariants();
        Ok(())
    }

    /// What both sides save must load again.
    fn check_reloaded(&mut self) -> Result<(), Difference> {
        let saved = Automerge::load(&self.theirs.save())
            .map_err(|error| format!("what automerge saved does not load: {error}"))?;
        let text = saved.text(&self.text).map_err(|error| error.to_string())?;
        ensure_equal!(text, self.ours.text(), "text that automerge saved");
        ensure_equal!(automerge_heads(&saved), automerge_heads(&self.theirs), "heads that automerge saved");
        let ours = TextDocument::from_snapshot(self.ours.id(), &self.ours.snapshot())
            .map_err(|error| error.to_string())?;
        ours.check_invariants();
        ensure_equal!(ours.text(), self.ours.text(), "text of the snapshot");
        ensure_equal!(ours.heads(), self.ours.heads(), "heads of the snapshot");
        // From here on the loaded one lives on.
        self.ours = ours;
        Ok(())
    }

    /// Every change must come out of what Automerge saved as it was sent, and make our document again.
    fn check_saved(&self, network: &Network) -> Result<(), Difference> {
        let saved = Automerge::load(&self.theirs.save()).map_err(|error| error.to_string())?;
        let mut again = None;
        for change in saved.get_changes(&[]) {
            let hash = ChangeHash::from_bytes(change.hash().0);
            let Some(document) = &mut again else {
                again = Some(TextDocument::from_genesis_bytes(self.ours.id(), change.raw_bytes())?);
                continue;
            };
            let sent = network.get(&hash);
            ensure_equal!(change.raw_bytes(), sent.change.bytes(), "bytes of {hash}");
            let applied = document.apply(&sent.change, &sent.log_actor);
            let is_applied = matches!(applied, Ok(Applied::Applied(_)));
            ensure_equal!(is_applied, true, "{hash} in a new document");
        }
        let again = again.ok_or("automerge saved nothing")?;
        ensure_equal!(again.text(), self.ours.text(), "text made again");
        ensure_equal!(again.heads(), self.ours.heads(), "heads made again");
        Ok(())
    }
}

fn apply_to_automerge<'a>(
    document: &mut Automerge,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Result<(), Difference> {
    let changes = changes.into_iter().map(to_automerge).collect::<Result<Vec<_>, _>>()?;
    let applied = document.apply_changes(changes);
    applied.map_err(|error| format!("automerge refuses a change: {error}"))
}

impl TextDocument {
    /// Makes a document of the bytes of its genesis.
    fn from_genesis_bytes(id: DocumentId, bytes: &[u8]) -> Result<Self, Difference> {
        let genesis = Change::parse_local(bytes).map_err(|error| error.to_string())?;
        let base = std::str::from_utf8(genesis.values()).map_err(|error| error.to_string())?;
        let document = Self::new(id, base).map_err(|error| error.to_string())?;
        ensure_equal!(document.heads().hashes(), [genesis.hash()].as_slice(), "the genesis made again");
        Ok(document)
    }
}
