//! Random histories of people who do whatever their keys let them do, for tests.
//!
//! Entries claim any past, go by any grant, bring chains of others, take devices out that are not theirs, prepare
//! epochs and wrap old ones again. What nobody can do is left out: sign with a key that they do not hold.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use rand_chacha::ChaCha20Rng;

use super::histories::{History, author, device, named, user, void, write};
use super::operations::{Author, Certificate, Claim, Rule};
use crate::ids::{EndpointId, EpochId};

pub(super) const PEOPLE: [&str; 5] = ["O", "A", "B", "C", "D"];

/// A chain of certificates: the person whom it names, and the devices from the first link to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Links {
    user: String,
    devices: Vec<String>,
    /// Whether whoever made it held every key that it takes. A device key is one person's for ever.
    is_right: bool,
}

impl Links {
    fn new(user: &str, devices: &[&str], is_right: bool) -> Self {
        Self {
            user: user.to_owned(),
            devices: devices.iter().map(|name| (*name).to_owned()).collect(),
            is_right,
        }
    }

    /// A device that the person's own key certified.
    pub(super) fn new_of(user: &str, device: &str) -> Self {
        Self::new(user, &[device], true)
    }

    /// Whether it certifies `last`, and `earlier` stands before that.
    pub(super) fn ends_behind(&self, last: &str, earlier: &str) -> bool {
        self.last() == last && self.devices.iter().any(|name| name == earlier && name != last)
    }

    fn last(&self) -> &str {
        self.devices.last().expect("a link")
    }

    /// The check that every device makes of a chain.
    fn certifies(&self, broken: Option<Rule>) -> bool {
        let is_theirs = |name: &String| name[..1].to_uppercase() == self.user;
        self.is_right && (broken == Some(Rule::Reassign) || self.devices.iter().all(is_theirs))
    }
}

/// A history, and what its people know and hold.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) history: History,
    /// Every chain that anybody has shown.
    pub(super) chains: Vec<Links>,
    /// The last line of each key.
    last: BTreeMap<String, u32>,
    /// The line that certified a device first.
    certified: BTreeMap<String, u32>,
    grants: Vec<u32>,
    epochs: Vec<(u32, String)>,
    next: u32,
}

/// Who writes, by the name of the key, and what they know of.
type Pen<'a> = (&'a str, BTreeSet<u32>);

impl Story {
    /// A workspace of O, with some of the others in it: A and B as admins, C and D as editors.
    pub(super) fn begin(rng: &mut ChaCha20Rng, broken: Option<Rule>) -> Self {
        let mut story = Self {
            history: History { broken, ..History::default() },
            chains: Vec::new(),
            last: BTreeMap::new(),
            certified: BTreeMap::new(),
            grants: Vec::new(),
            epochs: Vec::new(),
            next: 2,
        };
        story.put("R:O", Claim::Genesis { owner: user("O") }, &BTreeSet::new());
        story.links(("R:O", story.all()), &Links::new("O", &["o1"], true), &[], true);
        for (name, class) in [("A", 4), ("B", 4), ("C", 3), ("D", 3)] {
            let first = format!("{}1", name.to_lowercase());
            let chain = Links::new(name, &[&first], true);
            if rng.random_bool(0.8) {
                story.let_in(("o1", story.all()), &chain, (name, class, 0));
            } else {
                story.links((&format!("R:{name}"), story.all()), &chain, &[], false);
            }
        }
        if rng.random_bool(0.5) {
            let devices: &[&str] = if rng.random_bool(0.5) { &["o1", "o2"] } else { &["o2"] };
            let chain = Links::new("O", devices, true);
            let key: &str = if rng.random_bool(0.5) { "R:O" } else { "o1" };
            story.links((key, story.all()), &chain, &[], false);
        }
        story.epoch("o1", "k0", true, &story.all());
        story
    }

    fn all(&self) -> BTreeSet<u32> {
        self.history.heads().into_iter().collect()
    }

    /// Writes one operation.
    pub(super) fn put(&mut self, key: &str, claim: Claim, parents: &BTreeSet<u32>) -> u32 {
        let is_grant = matches!(claim, Claim::Genesis { .. } | Claim::Grant { .. });
        let line = self.history.push(author(key), claim, parents.iter().copied());
        self.last.insert(key.to_owned(), line);
        if is_grant {
            self.grants.push(line);
        }
        line
    }

    fn epoch(&mut self, key: &str, name: &str, is_original: bool, parents: &BTreeSet<u32>) {
        let claim = Claim::Epoch { epoch: epoch_id(name), is_original };
        let line = self.put(key, claim, parents);
        if is_original {
            self.epochs.push((line, name.to_owned()));
        }
    }

    /// Brings a chain: one operation for each link, each in the past of the next. A wrong one says nothing. Returns
    /// what comes behind it.
    pub(super) fn links(
        &mut self,
        (key, mut parents): Pen<'_>,
        chain: &Links,
        companions: &[u32],
        is_founding: bool,
    ) -> BTreeSet<u32> {
        if !self.chains.contains(chain) {
            self.chains.push(chain.clone());
        }
        if !chain.certifies(self.history.broken) {
            let line = self.put(key, void(), &parents);
            parents.insert(line);
            return parents;
        }
        let mut signer = None;
        for (at, name) in chain.devices.iter().enumerate() {
            let certificate = Certificate {
                user: user(&chain.user),
                device: device(name),
                signer,
                is_last: at + 1 == chain.devices.len(),
                companions: companions.iter().map(|via| named(*via)).collect(),
                is_founding,
            };
            signer = Some(device(name));
            let line = self.put(key, Claim::Certificate(certificate), &parents);
            self.certified.entry(name.clone()).or_insert(line);
            parents.insert(line);
        }
        parents
    }

    /// Lets somebody in, in one entry: their chain, and a grant.
    fn let_in(&mut self, (key, parents): Pen<'_>, chain: &Links, (name, class, via): (&str, u8, u32)) {
        let parents = self.links((key, parents), chain, &[via], false);
        self.put(key, Claim::Grant { user: user(name), class, via: named(via) }, &parents);
    }

    /// The keys that a person holds: the own key and every device with a right chain.
    pub(super) fn keys_of(&self, name: &str) -> Vec<String> {
        let theirs = self.chains.iter().filter(|chain| chain.user == name && chain.certifies(None));
        let devices: BTreeSet<String> = theirs.flat_map(|chain| chain.devices.iter().cloned()).collect();
        devices.into_iter().chain([format!("R:{name}")]).collect()
    }

    /// Everybody's keys.
    pub(super) fn all_keys(&self) -> Vec<String> {
        PEOPLE.iter().flat_map(|name| self.keys_of(name)).collect()
    }

    /// What an entry of this key claims to know: everything, or anything at all.
    fn claimed_past(&self, rng: &mut ChaCha20Rng, key: &str, is_hostile: bool) -> BTreeSet<u32> {
        let count = u32::try_from(self.history.pasts.len()).unwrap();
        let mut parents: BTreeSet<u32> = if rng.random_bool(0.45) {
            self.all()
        } else {
            (0..rng.random_range(1..=3)).map(|_| rng.random_range(0..count)).collect()
        };
        if !is_hostile && rng.random_bool(0.8) {
            parents.extend(self.last.get(key));
        }
        if rng.random_bool(0.9) {
            parents.extend(self.certified.get(key));
        }
        parents
    }

    /// A number of entries by whoever holds one of these keys.
    pub(super) fn go_on(&mut self, rng: &mut ChaCha20Rng, entries: usize, hostile: Option<&[String]>) {
        for _ in 0..entries {
            let keys = hostile.map_or_else(|| self.all_keys(), <[String]>::to_vec);
            let key = pick(rng, &keys).clone();
            let parents = self.claimed_past(rng, &key, hostile.is_some());
            self.entry(rng, (&key, parents), &keys);
        }
    }

    fn entry(&mut self, rng: &mut ChaCha20Rng, (key, mut parents): Pen<'_>, keys: &[String]) {
        let via = *pick(rng, &self.grants);
        let whom = *pick(rng, &PEOPLE);
        match rng.random_range(0..14) {
            0 | 1 => {
                parents.insert(via);
                let class = *pick(rng, &[1, 2, 3, 4, 4]);
                self.put(key, Claim::Grant { user: user(whom), class, via: named(via) }, &parents);
            }
            2 | 3 => {
                parents.insert(via);
                self.put(key, Claim::Revoke { user: user(whom), via: named(via) }, &parents);
            }
            4 => {
                parents.insert(via);
                let line = self.put(key, Claim::Revoke { user: user(whom), via: named(via) }, &parents);
                parents.insert(line);
                let class = *pick(rng, &[1, 2, 3]);
                self.put(key, Claim::Grant { user: user(whom), class, via: named(via) }, &parents);
            }
            5..=7 => {
                let chain = self.some_chain(rng, keys);
                let founding = false;
                if rng.random_bool(0.3) {
                    parents.insert(via);
                    let name = chain.user.clone();
                    let class = *pick(rng, &[1, 2, 3, 4]);
                    self.let_in((key, parents), &chain, (&name, class, via));
                } else {
                    self.links((key, parents), &chain, &[], founding);
                }
            }
            8 | 9 => {
                let named = self.some_device(rng);
                let mine = key.trim_start_matches("R:")[..1].to_uppercase();
                let of = if rng.random_bool(0.7) { mine } else { whom.to_owned() };
                self.put(key, Claim::RmDev { user: user(&of), device: device(&named) }, &parents);
            }
            10 => self.some_epoch(rng, (key, parents)),
            11 => self.some_setting(rng, (key, parents), via),
            _ => {
                self.put(key, write(), &parents);
            }
        }
    }

    fn some_device(&self, rng: &mut ChaCha20Rng) -> String {
        let chain = pick(rng, &self.chains);
        pick(rng, &chain.devices).clone()
    }

    /// A chain that somebody with these keys can show: a new device of theirs, a key that they do not hold or that is
    /// another person's, or one that was shown before.
    fn some_chain(&mut self, rng: &mut ChaCha20Rng, keys: &[String]) -> Links {
        let signer = pick(rng, keys).clone();
        let owned = signer.strip_prefix("R:").map(|name| Links::new(name, &[], true));
        let base = owned.or_else(|| self.chains.iter().find(|chain| chain.last() == signer).cloned());
        let Some(mut chain) = base else { return pick(rng, &self.chains).clone() };
        let letter = chain.user.to_lowercase();
        let added = match rng.random_range(0..10) {
            0..4 => {
                self.next += 1;
                format!("{letter}{}", self.next)
            }
            4 | 5 => {
                // A device that is there, of whomever: its proof takes its key.
                let named = self.some_device(rng);
                chain.is_right &= keys.contains(&named);
                named
            }
            6 | 7 => pick(rng, keys).trim_start_matches("R:").to_lowercase(),
            _ => return pick(rng, &self.chains).clone(),
        };
        let is_repeated = chain.devices.contains(&added) || added.len() < 2;
        if is_repeated || chain.devices.len() == 3 {
            return pick(rng, &self.chains).clone();
        }
        chain.devices.push(added);
        chain
    }

    fn some_epoch(&mut self, rng: &mut ChaCha20Rng, (key, mut parents): Pen<'_>) {
        let (line, name) = pick(rng, &self.epochs).clone();
        match rng.random_range(0..10) {
            0..5 => {
                self.next += 1;
                let name = format!("k{}", self.next);
                self.epoch(key, &name, true, &parents);
            }
            5..8 => {
                parents.insert(line);
                self.epoch(key, &name, false, &parents);
            }
            _ => self.epoch(key, &name, true, &parents),
        }
    }

    fn some_setting(&mut self, rng: &mut ChaCha20Rng, (key, mut parents): Pen<'_>, via: u32) {
        let claim = if rng.random_bool(0.5) {
            parents.insert(via);
            Claim::SetPolicy { key: "days".to_owned(), via: named(via) }
        } else {
            let named = device(&self.some_device(rng));
            Claim::SetEndpoint { device: named, endpoint: EndpointId::from_bytes([1; 32]) }
        };
        self.put(key, claim, &parents);
    }

    /// The re-wraps of an epoch that anybody may write.
    pub(super) fn rewrap(&mut self, key: &str, parents: &BTreeSet<u32>) {
        for (line, name) in self.epochs.clone() {
            let mut parents = parents.clone();
            parents.insert(line);
            self.epoch(key, &name, false, &parents);
        }
    }

    pub(super) fn epochs(&self) -> BTreeSet<EpochId> {
        self.epochs.iter().map(|(_, name)| epoch_id(name)).collect()
    }
}

pub(super) fn is_by(author: &Author, name: &str) -> bool {
    author.user == user(name)
}

fn epoch_id(name: &str) -> EpochId {
    EpochId::from_bytes(super::histories::padded(name))
}

pub(super) fn pick<'t, T>(rng: &mut ChaCha20Rng, from: &'t [T]) -> &'t T {
    &from[rng.random_range(0..from.len())]
}
