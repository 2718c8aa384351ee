//! The rules of `docs/membership.md` once more, as plainly as they can be written: to compare the fold with.
//!
//! It shares the operations with the fold and nothing else. Everything is searched for in everything, pasts are sets,
//! and only three answers are remembered, because each of them is asked for again and again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::histories::{Answers, History, is_write, line_of};
use super::operations::{Author, Certificate, Claim, Operation, Rule};
use crate::acl::OpRef;
use crate::ids::{DeviceId, EpochId, UserId};

type Line = u32;
type Key = (i32, i64);

const NO_DEPTH: i64 = -1_000_001;

pub(super) struct Model<'a> {
    history: &'a History,
    lines: BTreeMap<Line, &'a Operation>,
    auth: RefCell<BTreeMap<(Line, Line), bool>>,
    rmhits: RefCell<BTreeMap<DeviceId, Vec<Line>>>,
    admitted: RefCell<BTreeMap<Line, bool>>,
}

impl<'a> Model<'a> {
    /// The rules over the operations on these lines; all of them when none are given.
    pub(super) fn new(history: &'a History, visible: Option<&BTreeSet<Line>>) -> Self {
        let all = history.operations.iter().map(|operation| (operation.place.line, operation));
        let lines = all.filter(|(line, _)| visible.is_none_or(|visible| visible.contains(line))).collect();
        Self {
            history,
            lines,
            auth: RefCell::default(),
            rmhits: RefCell::default(),
            admitted: RefCell::default(),
        }
    }

    fn keeps(&self, rule: Rule) -> bool {
        self.history.broken != Some(rule)
    }

    fn before(&self, a: Line, b: Line) -> bool {
        self.history.pasts[b as usize].contains(&a)
    }

    fn author(&self, line: Line) -> Author {
        self.lines[&line].author
    }

    fn all(&self, wanted: impl Fn(&Claim) -> bool) -> Vec<Line> {
        self.lines.iter().filter(|(_, operation)| wanted(&operation.claim)).map(|(line, _)| *line).collect()
    }

    // Ranks.

    fn via_of(&self, line: Line) -> Option<&'a OpRef> {
        match &self.lines[&line].claim {
            Claim::Grant { via, .. } | Claim::Revoke { via, .. } | Claim::SetPolicy { via, .. } => Some(via),
            _ => None,
        }
    }

    /// A name, as far as it names a grant that lies in the past of `at`.
    fn grant_named(&self, via: &OpRef, at: Line) -> Option<Line> {
        let line = line_of(via);
        let is_grant = |line: &Line| {
            self.lines.get(line).is_some_and(|operation| {
                matches!(operation.claim, Claim::Genesis { .. } | Claim::Grant { .. })
            })
        };
        Some(line).filter(|line| is_grant(line) && self.before(*line, at))
    }

    fn via(&self, line: Line) -> Option<Line> {
        self.grant_named(self.via_of(line)?, line)
    }

    fn holder(&self, grant: Line) -> UserId {
        match &self.lines[&grant].claim {
            Claim::Genesis { owner: user } | Claim::Grant { user, .. } => *user,
            other => panic!("{other:?} is no grant"),
        }
    }

    fn is_genesis(&self, line: Line) -> bool {
        matches!(self.lines[&line].claim, Claim::Genesis { .. })
    }

    fn key(&self, grant: Line) -> Key {
        let class = match &self.lines[&grant].claim {
            Claim::Grant { class, .. } => i32::from(*class).min(4),
            _ => return (5, 0),
        };
        (class, self.via(grant).map_or(NO_DEPTH, |via| self.key(via).1 - 1))
    }

    fn grants_of(&self, user: &UserId) -> Vec<Line> {
        self.all(|claim| match claim {
            Claim::Genesis { owner: to } | Claim::Grant { user: to, .. } => to == user,
            _ => false,
        })
    }

    fn well_formed(&self, grant: Line) -> bool {
        let signer = self.user_of(self.author(grant));
        self.is_genesis(grant) || self.via(grant).is_some_and(|via| signer == Some(self.holder(via)))
    }

    fn top(&self, user: &UserId) -> Key {
        let grants = self.grants_of(user).into_iter().filter(|grant| self.well_formed(*grant));
        grants.map(|grant| self.key(grant)).max().unwrap_or((-1, 0))
    }

    // Certificates.

    fn certificate(&self, line: Line) -> Option<&'a Certificate> {
        match &self.lines.get(&line)?.claim {
            Claim::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    fn is_admitted(&self, line: Line) -> bool {
        if let Some(known) = self.admitted.borrow().get(&line) {
            return *known;
        }
        let certificate = self.certificate(line).expect("a certificate");
        let author = self.author(line);
        let by_granter = certificate.companions.iter().any(|via| {
            let via = self.grant_named(via, line);
            via.is_some_and(|via| self.key(via).0 >= 4 && self.holder(via) == author.user)
        });
        let by_themselves = author.user == certificate.user && self.weak(author, line);
        let admitted = certificate.is_founding || by_granter || by_themselves;
        self.admitted.borrow_mut().insert(line, admitted);
        admitted
    }

    fn weak(&self, author: Author, at: Line) -> bool {
        let Some(device) = author.device else { return true };
        let names = |line: &Line| self.certificate(*line).is_some_and(|link| link.device == device);
        self.history.pasts[at as usize].iter().any(|line| names(line) && self.is_admitted(*line))
    }

    fn certificates_of(&self, device: &DeviceId) -> Vec<Line> {
        let named = self.all(|claim| matches!(claim, Claim::Certificate(link) if link.device == *device));
        named.into_iter().filter(|line| self.is_admitted(*line)).collect()
    }

    fn user_of(&self, author: Author) -> Option<UserId> {
        let Some(device) = author.device else { return Some(author.user) };
        let first = self.certificates_of(&device).into_iter().next()?;
        self.certificate(first).map(|link| link.user)
    }

    fn user_of_device(&self, device: &DeviceId) -> Option<UserId> {
        // Whose device it is stands in its certificates, so the user that is given here is of no matter.
        self.user_of(Author { user: UserId::from_bytes([0; 32]), device: Some(*device) })
    }

    fn ancestors(&self, device: &DeviceId) -> BTreeSet<DeviceId> {
        let mut found = BTreeSet::from([*device]);
        loop {
            let signers: Vec<DeviceId> = found
                .iter()
                .flat_map(|device| self.certificates_of(device))
                .filter_map(|line| self.certificate(line).and_then(|link| link.signer))
                .collect();
            let before = found.len();
            found.extend(signers);
            if found.len() == before {
                return found;
            }
        }
    }

    // Removals of devices.

    fn removals_of(&self, device: &DeviceId) -> Vec<Line> {
        let user = self.user_of_device(device);
        let named = self.all(|claim| match claim {
            Claim::RmDev { user: of, device: named } => named == device && Some(*of) == user,
            _ => false,
        });
        let is_theirs =
            |line: &Line| self.user_of(self.author(*line)) == user && self.weak(self.author(*line), *line);
        named.into_iter().filter(is_theirs).collect()
    }

    /// The Revokes of a person that are of a class that may remove, with the grants that they go by.
    fn revokes_of(&self, user: &UserId) -> Vec<(Line, Line)> {
        let named = self.all(|claim| matches!(claim, Claim::Revoke { user: of, .. } if of == user));
        let by_admin = named.into_iter().filter_map(|line| Some((line, self.via(line)?)));
        by_admin.filter(|(_, via)| self.key(*via).0 >= 4).collect()
    }

    fn late(&self, line: Line) -> bool {
        let user = match &self.lines[&line].claim {
            Claim::RmDev { user, .. } => *user,
            Claim::Certificate(link) => link.user,
            other => panic!("{other:?} is never late"),
        };
        let was_let_in_again = |revoke: Line| {
            self.grants_of(&user).into_iter().any(|grant| {
                self.well_formed(grant) && self.before(grant, line) && self.before(revoke, grant)
            })
        };
        self.keeps(Rule::Late)
            && self.revokes_of(&user).into_iter().any(|(revoke, via)| {
                self.key(via) > self.top(&user)
                    && !self.before(line, revoke)
                    && self.auth(via, revoke)
                    && !was_let_in_again(revoke)
            })
    }

    fn shields(&self, line: Line) -> bool {
        if !self.keeps(Rule::Block) {
            return true;
        }
        let link = self.certificate(line).expect("a certificate");
        let author = self.author(line);
        let is_theirs = match author.device {
            None => author.user == link.user,
            Some(device) => {
                self.user_of(author) == Some(link.user)
                    && self.weak(author, line)
                    && device != link.device
                    && !self.ancestors(&device).contains(&link.device)
            }
        };
        is_theirs && !self.late(line)
    }

    fn is_blocked(&self, removal: Line, device: &DeviceId) -> bool {
        let Some(remover) = self.author(removal).device else { return false };
        let shields: Vec<Line> =
            self.certificates_of(device).into_iter().filter(|line| self.shields(*line)).collect();
        let earlier = self.ancestors(&remover).into_iter().flat_map(|device| self.removals_of(&device));
        earlier.filter(|line| !self.late(*line)).any(|line| shields.iter().any(|c| self.before(line, *c)))
    }

    fn rmhits(&self, device: &DeviceId) -> Vec<Line> {
        if let Some(known) = self.rmhits.borrow().get(device) {
            return known.clone();
        }
        let timely: Vec<Line> =
            self.removals_of(device).into_iter().filter(|line| !self.late(*line)).collect();
        let by_user = |line: &Line| self.author(*line).device.is_none();
        let mut hits: Vec<Line> = timely.iter().copied().filter(by_user).collect();
        if hits.is_empty() || !self.keeps(Rule::UserKey) {
            hits = timely.into_iter().filter(|line| !self.is_blocked(*line, device)).collect();
        }
        self.rmhits.borrow_mut().insert(*device, hits.clone());
        hits
    }

    fn signerok(&self, line: Line) -> bool {
        let Some(signer) = self.certificate(line).expect("a certificate").signer else { return true };
        self.rmhits(&signer).into_iter().all(|removal| self.before(line, removal))
            && self
                .certificates_of(&signer)
                .into_iter()
                .any(|earlier| self.before(earlier, line) && self.signerok(earlier))
    }

    fn devok(&self, author: Author, at: Line) -> bool {
        let Some(device) = author.device else { return true };
        let certified = |line: Line| self.before(line, at) && self.signerok(line);
        self.certificates_of(&device).into_iter().any(certified)
            && self.rmhits(&device).into_iter().all(|removal| self.before(at, removal))
    }

    // Grants.

    fn auth(&self, grant: Line, at: Line) -> bool {
        if let Some(known) = self.auth.borrow().get(&(grant, at)) {
            return *known;
        }
        let author = self.author(at);
        let auth = self.before(grant, at)
            && self.user_of(author) == Some(self.holder(grant))
            && self.well_formed(grant)
            && self.gvalid(grant)
            && self.devok(author, at)
            && self.killers(grant).into_iter().all(|killer| self.before(at, killer));
        self.auth.borrow_mut().insert((grant, at), auth);
        auth
    }

    fn gvalid(&self, grant: Line) -> bool {
        if self.is_genesis(grant) {
            return true;
        }
        let Some(via) = self.via(grant) else { return false };
        let (above, class) = (self.key(via).0, self.key(grant).0);
        (above == 5 && class <= 4 || above == 4 && class <= 3) && self.auth(via, grant)
    }

    fn killers(&self, grant: Line) -> Vec<Line> {
        let ends = |(revoke, via): &(Line, Line)| {
            let above = self.key(*via) > self.key(grant)
                || !self.keeps(Rule::Rank) && self.key(*via) == self.key(grant);
            above && !self.before(*revoke, grant) && self.auth(*via, *revoke)
        };
        self.revokes_of(&self.holder(grant)).into_iter().filter(ends).map(|(revoke, _)| revoke).collect()
    }

    // Answers.

    fn member(&self, user: &UserId) -> Option<u8> {
        let grants = self.grants_of(user).into_iter();
        let standing = grants.filter(|grant| self.gvalid(*grant) && self.killers(*grant).is_empty());
        standing.map(|grant| u8::try_from(self.key(grant).0).unwrap()).max()
    }

    fn people(&self) -> BTreeSet<UserId> {
        let holders = self.lines.values().filter_map(|operation| match &operation.claim {
            Claim::Genesis { owner: user } | Claim::Grant { user, .. } => Some(*user),
            _ => None,
        });
        holders.collect()
    }

    fn devices(&self) -> BTreeSet<DeviceId> {
        let links = self
            .lines
            .keys()
            .filter(|line| self.certificate(**line).is_some_and(|_| self.is_admitted(**line)));
        links.filter_map(|line| self.certificate(*line).map(|link| link.device)).collect()
    }

    fn is_standing(&self, device: &DeviceId) -> bool {
        self.rmhits(device).is_empty()
            && self.certificates_of(device).into_iter().any(|line| self.signerok(line))
    }

    fn is_live(&self, device: &DeviceId) -> bool {
        let is_last = |line: Line| self.certificate(line).is_some_and(|link| link.is_last);
        self.is_standing(device)
            && self.certificates_of(device).into_iter().any(|line| is_last(line) && self.signerok(line))
            && self.user_of_device(device).is_some_and(|user| self.member(&user).is_some())
    }

    fn counts(&self, line: Line, least: i32) -> bool {
        let grants = self.all(|claim| matches!(claim, Claim::Genesis { .. } | Claim::Grant { .. }));
        let mut of_class = grants.into_iter().filter(|grant| self.key(*grant).0 >= least);
        of_class.any(|grant| self.auth(grant, line))
    }

    /// The epoch entries that count: originals by an editor or above, re-wraps by a viewer or above.
    fn counting(&self) -> Vec<(Line, EpochId, bool)> {
        let epochs = self.lines.iter().filter_map(|(line, operation)| match &operation.claim {
            Claim::Epoch { epoch, is_original } => Some((*line, *epoch, *is_original)),
            _ => None,
        });
        epochs.filter(|(line, _, is_original)| self.counts(*line, if *is_original { 3 } else { 2 })).collect()
    }

    pub(super) fn usable(&self) -> BTreeSet<EpochId> {
        let revokes = self.people_named().into_iter().flat_map(|user| self.revokes_of(&user));
        let mut removals: Vec<Line> =
            revokes.filter(|(revoke, via)| self.auth(*via, *revoke)).map(|(revoke, _)| revoke).collect();
        let class_of = |user: Option<UserId>| user.and_then(|user| self.member(&user)).unwrap_or(0);
        for device in self.devices() {
            if class_of(self.user_of_device(&device)) >= 2 {
                removals.extend(self.rmhits(&device));
            }
        }
        let fits = |line: Line| {
            let author = self.author(line);
            author.device.is_none_or(|device| self.is_standing(&device))
                && class_of(self.user_of(author)) >= 2
                && removals.iter().all(|removal| self.before(*removal, line))
        };
        let counting = self.counting();
        let epochs: BTreeSet<EpochId> = counting.iter().map(|(_, epoch, _)| *epoch).collect();
        let is_usable = |epoch: &EpochId| {
            let of_it = || counting.iter().filter(|(_, named, _)| named == epoch);
            if !self.keeps(Rule::Rewrap) {
                return of_it().any(|(line, ..)| fits(*line));
            }
            let mut originals = of_it().filter(|(.., is_original)| *is_original).peekable();
            originals.peek().is_some() && originals.all(|(line, ..)| fits(*line))
        };
        epochs.into_iter().filter(is_usable).collect()
    }

    /// Everybody whom some operation is about.
    fn people_named(&self) -> BTreeSet<UserId> {
        let revoked = self.lines.values().filter_map(|operation| match &operation.claim {
            Claim::Revoke { user, .. } => Some(*user),
            _ => None,
        });
        self.people().into_iter().chain(revoked).collect()
    }

    fn is_by_sibling(&self, line: Line, device: &DeviceId) -> bool {
        let author = self.author(line);
        self.user_of_device(device) == self.user_of(author) && self.devok(author, line)
    }

    pub(super) fn answers(&self) -> Answers {
        let lines = |wanted: &dyn Fn(Line, &Operation) -> bool| -> BTreeSet<Line> {
            self.lines
                .iter()
                .filter(|(line, operation)| wanted(**line, operation))
                .map(|(line, _)| *line)
                .collect()
        };
        Answers {
            roles: self.people().into_iter().filter_map(|user| Some((user, self.member(&user)?))).collect(),
            standing: self.devices().into_iter().filter(|device| self.is_standing(device)).collect(),
            live: self.devices().into_iter().filter(|device| self.is_live(device)).collect(),
            writes: lines(&|line, operation| is_write(operation) && self.counts(line, 3)),
            epochs: self.counting().into_iter().map(|(line, ..)| line).collect(),
            settings: lines(&|line, operation| match &operation.claim {
                Claim::SetEndpoint { device, .. } => self.is_by_sibling(line, device),
                Claim::SetPolicy { .. } => {
                    let via = self.via(line).filter(|via| self.key(*via).0 >= 4);
                    via.is_some_and(|via| self.auth(via, line))
                }
                _ => false,
            }),
            usable: self.usable(),
        }
    }

    /// Whether entries of a person may be stored.
    pub(super) fn knows(&self, user: &UserId) -> bool {
        self.grants_of(user).into_iter().any(|grant| {
            let mut alone = self.history.pasts[grant as usize].clone();
            alone.insert(grant);
            Self::new(self.history, Some(&alone)).gvalid(grant)
        })
    }
}
