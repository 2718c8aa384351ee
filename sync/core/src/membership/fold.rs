//! VALID: membership as a function of the set of operations.
//!
//! It reads the set and the pasts, never the order of arrival or a clock. What is void stays stored: void is an
//! interpretation. The names are those of the protocol page: weak, rmhits, late, signerok, devok, auth, gvalid,
//! killers, member, counts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::acl::OpRef;
use crate::ids::{DeviceId, EpochId, UserId};

use super::history::{At, Past, Place, contains};
use super::operations::{Author, Certificate, Claim, OpIndex, Operation, Rule, World};

const OWNER: i32 = 5;
const ADMIN: i32 = 4;
const EDITOR: i32 = 3;
const VIEWER: i32 = 2;
/// Below every depth that can be earned.
const NO_DEPTH: i64 = -1_000_000;

/// The immutable rank of a grant: class, then how near it is to the owner.
pub(crate) type Key = (i32, i64);

/// One evaluation over the operations that a predicate lets through.
pub(crate) struct Fold<'a, W> {
    pub(super) world: &'a W,
    pub(super) facts: Facts,
}

/// What a fold computes, apart from the world it computes it over: kept while nothing changes.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(super) users: BTreeMap<UserId, UserOperations>,
    pub(super) certificates: BTreeMap<DeviceId, Vec<OpIndex>>,
    pub(super) removals: BTreeMap<DeviceId, Vec<OpIndex>>,
    grants: BTreeMap<OpIndex, GrantFacts>,
    epochs: BTreeMap<EpochId, Vec<OpIndex>>,
    endpoints: BTreeMap<DeviceId, Vec<OpIndex>>,
    visible: BTreeSet<OpIndex>,
    /// How many operations were looked at, visible or not.
    pub(super) taken: OpIndex,
    pub(super) memo: RefCell<Memo>,
}

#[derive(Debug, Default)]
pub(super) struct UserOperations {
    pub(super) grants: Vec<OpIndex>,
    pub(super) revokes: Vec<OpIndex>,
    /// Devices that an admitted certificate names as this person's.
    pub(super) devices: BTreeSet<DeviceId>,
}

/// What never changes about a grant once its past is known.
#[derive(Debug)]
struct GrantFacts {
    holder: UserId,
    via: Option<OpIndex>,
    key: Key,
    /// Its holder of `via` authored it, the classes fit, and so on up to the Genesis. It says nothing of cuts.
    is_structural: bool,
}

#[derive(Debug, Default)]
pub(super) struct Memo {
    pub(super) auth: BTreeMap<(OpIndex, OpIndex), bool>,
    pub(super) killers: BTreeMap<OpIndex, Arc<[OpIndex]>>,
    pub(super) late: BTreeMap<OpIndex, bool>,
    pub(super) rmhits: BTreeMap<DeviceId, Arc<[OpIndex]>>,
    pub(super) standing: BTreeMap<UserId, Arc<BTreeSet<OpIndex>>>,
    pub(super) top: BTreeMap<UserId, Key>,
    /// The classes of members, and what every epoch in use must know of.
    pub(super) members: BTreeMap<UserId, Option<u8>>,
    pub(super) removals: Option<Arc<[OpIndex]>>,
    /// Questions under way, while the program is made and tested.
    asking: BTreeSet<(OpIndex, OpIndex)>,
}

impl<'a, W: World> Fold<'a, W> {
    /// Folds the operations for which `is_visible` holds; it must hold for the past of each.
    pub(crate) fn new(world: &'a W, is_visible: impl Fn(&Operation) -> bool) -> Self {
        let indexed = (0..).zip(world.operations()).filter(|(_, operation)| is_visible(operation));
        let visible: BTreeSet<OpIndex> = indexed.map(|(index, _)| index).collect();
        let taken = OpIndex::try_from(world.operations().len()).expect("fewer operations than their limit");
        let mut fold = Self { world, facts: Facts { visible, taken, ..Facts::default() } };
        fold.rank_grants();
        for index in fold.facts.visible.clone() {
            fold.sort_in(index);
        }
        fold.certify();
        fold.find_removals();
        fold
    }

    /// Goes on with what an earlier fold over all operations computed. Those that have come since are taken in.
    pub(crate) fn resume(world: &'a W, facts: Facts) -> Self {
        let mut fold = Self { world, facts };
        fold.grow();
        fold
    }

    /// What was computed so far.
    pub(crate) fn into_facts(self) -> Facts {
        self.facts
    }

    /// Whether a rule is followed. Tests leave one out, to see that the checks notice.
    #[cfg(test)]
    fn keeps(&self, rule: Rule) -> bool {
        self.world.broken() != Some(rule)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "all rules are kept")]
    const fn keeps(&self, _: Rule) -> bool {
        true
    }

    pub(super) fn operation(&self, index: OpIndex) -> &'a Operation {
        &self.world.operations()[index as usize]
    }

    fn place(&self, index: OpIndex) -> Place {
        self.operation(index).place
    }

    fn before(&self, a: OpIndex, b: OpIndex) -> bool {
        self.world.before(self.place(a), self.place(b))
    }

    /// A grant that is here, in the past of `at`.
    fn resolve_via(&self, via: &OpRef, at: OpIndex) -> Option<OpIndex> {
        let via = self.world.resolve(via).filter(|via| self.facts.visible.contains(via))?;
        let is_grant = matches!(self.operation(via).claim, Claim::Genesis { .. } | Claim::Grant { .. });
        (is_grant && self.before(via, at)).then_some(via)
    }

    // Built once.

    /// Ranks grants from the Genesis on. A `via` may stand behind in the order of arrival, so this goes round
    /// until nothing is left to rank.
    fn rank_grants(&mut self) {
        let mut waiting: Vec<(OpIndex, UserId, u8, Option<OpIndex>)> = Vec::new();
        for index in self.facts.visible.iter().copied() {
            match &self.operation(index).claim {
                Claim::Genesis { owner } => waiting.push((index, *owner, 5, None)),
                Claim::Grant { user, class, via } => {
                    waiting.push((index, *user, *class, self.resolve_via(via, index)));
                }
                _ => {}
            }
        }
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain(|(index, holder, class, via)| {
                let is_ready = via.is_none_or(|via| self.facts.grants.contains_key(&via));
                if is_ready {
                    let facts = self.rank(*index, *holder, *class, *via);
                    self.facts.grants.insert(*index, facts);
                }
                !is_ready
            });
            debug_assert!(waiting.len() < before, "pasts without a cycle");
            if waiting.len() == before {
                return;
            }
        }
    }

    /// Ranks a grant whose `via` is ranked.
    pub(super) fn rank_in(&mut self, index: OpIndex) {
        if let Claim::Grant { user, class, via } = &self.operation(index).claim {
            let facts = self.rank(index, *user, *class, self.resolve_via(via, index));
            self.facts.grants.insert(index, facts);
        }
    }

    fn rank(&self, index: OpIndex, holder: UserId, class: u8, via: Option<OpIndex>) -> GrantFacts {
        let operation = self.operation(index);
        if matches!(operation.claim, Claim::Genesis { .. }) {
            return GrantFacts { holder, via: None, key: (OWNER, 0), is_structural: true };
        }
        let class = i32::from(class).min(ADMIN);
        let Some(above) = via.and_then(|via| self.facts.grants.get(&via)) else {
            return GrantFacts { holder, via: None, key: (class, NO_DEPTH - 1), is_structural: false };
        };
        let is_structural =
            above.is_structural && above.holder == operation.author.user && may_grant(above.key.0, class);
        GrantFacts { holder, via, key: (class, above.key.1 - 1), is_structural }
    }

    /// Sorts an operation by what it is about.
    pub(super) fn sort_in(&mut self, index: OpIndex) {
        self.facts.visible.insert(index);
        let operation = self.operation(index);
        let facts = &mut self.facts;
        match &operation.claim {
            Claim::Genesis { owner: user } | Claim::Grant { user, .. } => {
                facts.users.entry(*user).or_default().grants.push(index);
            }
            Claim::Revoke { user, .. } => {
                facts.users.entry(*user).or_default().revokes.push(index);
            }
            Claim::Epoch { epoch, .. } => facts.epochs.entry(*epoch).or_default().push(index),
            Claim::SetEndpoint { device, .. } => facts.endpoints.entry(*device).or_default().push(index),
            _ => {}
        }
    }

    /// Finds the links that certify: appended by their user, or by who lets that user in.
    fn certify(&mut self) {
        let mut waiting: Vec<OpIndex> =
            self.facts.visible.iter().copied().filter(|index| self.certificate(*index).is_some()).collect();
        loop {
            let before = waiting.len();
            waiting.retain(|index| {
                let is_admitted = self.may_append(*index);
                if is_admitted {
                    self.admit(*index);
                }
                !is_admitted
            });
            if waiting.len() == before {
                break;
            }
        }
        self.facts.certificates.values_mut().for_each(|found| found.sort_unstable());
    }

    /// Takes a certificate that may be appended. Whether it may depends on nothing but its past.
    pub(super) fn admit(&mut self, index: OpIndex) {
        let Some(link) = self.certificate(index) else { return };
        self.facts.certificates.entry(link.device).or_default().push(index);
        self.facts.users.entry(link.user).or_default().devices.insert(link.device);
    }

    pub(super) fn certificate(&self, index: OpIndex) -> Option<&'a Certificate> {
        match &self.operation(index).claim {
            Claim::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    pub(super) fn may_append(&self, index: OpIndex) -> bool {
        let author = self.operation(index).author;
        let Some(certificate) = self.certificate(index) else { return false };
        certificate.is_founding
            || author.user == certificate.user && self.weak(author, self.place(index))
            || certificate.companions.iter().any(|via| {
                let via = self.resolve_via(via, index).and_then(|via| self.facts.grants.get(&via));
                via.is_some_and(|via| via.key.0 >= ADMIN && via.holder == author.user)
            })
    }

    fn find_removals(&mut self) {
        for index in self.facts.visible.clone() {
            self.sort_in_removal(index);
        }
    }

    /// Takes an operation for a removal when it is one: of a device of this person, by this person.
    pub(super) fn sort_in_removal(&mut self, index: OpIndex) {
        let operation = self.operation(index);
        let Claim::RmDev { user, device } = &operation.claim else { return };
        let is_of_user =
            self.user_of(device) == Some(*user) && self.user_of_author(operation.author) == Some(*user);
        if is_of_user && self.weak(operation.author, operation.place) {
            self.facts.removals.entry(*device).or_default().push(index);
        }
    }

    // Devices: structural, except for `late`.

    /// The user of a device that some certificate names.
    fn user_of(&self, device: &DeviceId) -> Option<UserId> {
        let first = self.facts.certificates.get(device)?.first()?;
        self.certificate(*first).map(|certificate| certificate.user)
    }

    fn user_of_author(&self, author: Author) -> Option<UserId> {
        match author.device {
            None => Some(author.user),
            Some(device) => self.user_of(&device),
        }
    }

    /// The author is a user key, or a device that was certified in the past of `place`.
    pub(crate) fn weak(&self, author: Author, place: Place) -> bool {
        let Some(device) = author.device else { return true };
        self.certificates_of(&device).iter().any(|index| self.world.before(self.place(*index), place))
    }

    /// Whether an operation was known where something was written.
    fn known_at(&self, index: OpIndex, at: At<'_>) -> bool {
        match at.past {
            Some(past) => contains(past, self.place(index)),
            None => self.world.before(self.place(index), at.place),
        }
    }

    /// [`Fold::weak`] for somebody whose past is not that of an entry that is here.
    pub(crate) fn weak_in(&self, author: Author, past: &Past) -> bool {
        let Some(device) = author.device else { return true };
        self.certificates_of(&device).iter().any(|index| contains(past, self.place(*index)))
    }

    pub(super) fn certificates_of(&self, device: &DeviceId) -> &[OpIndex] {
        self.facts.certificates.get(device).map_or(&[], Vec::as_slice)
    }

    /// The device and every device in a chain that certifies it.
    pub(super) fn ancestors(&self, device: &DeviceId) -> BTreeSet<DeviceId> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![*device];
        while let Some(device) = waiting.pop() {
            if found.insert(device) {
                let links = self.certificates_of(&device).iter().filter_map(|index| self.certificate(*index));
                waiting.extend(links.filter_map(|link| link.signer));
            }
        }
        found
    }

    /// Whether this certificate of a device may shield it: a chain can be replayed by anybody.
    fn shields(&self, index: OpIndex) -> bool {
        let Some(certificate) = self.certificate(index) else { return false };
        let author = self.operation(index).author;
        if !self.keeps(Rule::Block) {
            return true;
        }
        if self.late(index) {
            return false;
        }
        match author.device {
            None => author.user == certificate.user,
            Some(device) => {
                self.user_of(&device) == Some(certificate.user)
                    && self.weak(author, self.place(index))
                    && device != certificate.device
                    && !self.ancestors(&device).contains(&certificate.device)
            }
        }
    }

    /// The holder of `via` authored the grant, and is certified at all.
    fn well_formed(&self, grant: OpIndex) -> bool {
        let facts = &self.facts.grants[&grant];
        if matches!(self.operation(grant).claim, Claim::Genesis { .. }) {
            return true;
        }
        let author = self.user_of_author(self.operation(grant).author);
        facts.via.is_some_and(|via| author == Some(self.facts.grants[&via].holder))
    }

    /// The greatest rank that anybody who could has ever written for this user.
    fn top(&self, user: &UserId) -> Key {
        if let Some(top) = self.facts.memo.borrow().top.get(user) {
            return *top;
        }
        let grants = self.grants_of(user).iter().filter(|grant| self.well_formed(**grant));
        let top = grants.map(|grant| self.facts.grants[grant].key).max().unwrap_or((-1, 0));
        self.facts.memo.borrow_mut().top.insert(*user, top);
        top
    }

    pub(super) fn grants_of(&self, user: &UserId) -> &[OpIndex] {
        self.facts.users.get(user).map_or(&[], |user| user.grants.as_slice())
    }

    pub(super) fn revokes_of(&self, user: &UserId) -> &[OpIndex] {
        self.facts.users.get(user).map_or(&[], |user| user.revokes.as_slice())
    }

    /// A removal or certificate of a device, written by somebody who had been removed himself by a rank above all
    /// he ever had, and not let in again.
    fn late(&self, index: OpIndex) -> bool {
        if let Some(late) = self.facts.memo.borrow().late.get(&index) {
            return *late;
        }
        let late = self.keeps(Rule::Late) && self.is_late(index);
        self.facts.memo.borrow_mut().late.insert(index, late);
        late
    }

    fn is_late(&self, index: OpIndex) -> bool {
        let user = match &self.operation(index).claim {
            Claim::RmDev { user, .. } => *user,
            Claim::Certificate(certificate) => certificate.user,
            _ => return false,
        };
        self.revokes_of(&user).iter().any(|revoke| {
            let Some(via) = self.removing_via(*revoke) else { return false };
            self.facts.grants[&via].key > self.top(&user)
                && !self.before(index, *revoke)
                && self.auth(via, *revoke)
                && !self.grants_of(&user).iter().any(|grant| {
                    self.well_formed(*grant) && self.before(*grant, index) && self.before(*revoke, *grant)
                })
        })
    }

    /// The grant that a Revoke goes by, when it is of a class that may remove.
    pub(super) fn removing_via(&self, revoke: OpIndex) -> Option<OpIndex> {
        let Claim::Revoke { via, .. } = &self.operation(revoke).claim else { return None };
        self.resolve_via(via, revoke).filter(|via| self.facts.grants[via].key.0 >= ADMIN)
    }

    /// The removals of a device that count: those by the user key alone where there is one, so that it heals what
    /// the thief of a device did; else every one that no shield blocks.
    pub(crate) fn rmhits(&self, device: &DeviceId) -> Arc<[OpIndex]> {
        if let Some(hits) = self.facts.memo.borrow().rmhits.get(device) {
            return Arc::clone(hits);
        }
        let hits: Arc<[OpIndex]> = self.find_rmhits(device).into();
        self.facts.memo.borrow_mut().rmhits.insert(*device, Arc::clone(&hits));
        hits
    }

    fn find_rmhits(&self, device: &DeviceId) -> Vec<OpIndex> {
        let named = self.facts.removals.get(device).map_or(&[][..], Vec::as_slice);
        let timely = named.iter().copied().filter(|removal| !self.late(*removal));
        let (by_user, by_devices): (Vec<_>, Vec<_>) = timely.partition(|removal| {
            self.keeps(Rule::UserKey) && self.operation(*removal).author.device.is_none()
        });
        if !by_user.is_empty() {
            return by_user;
        }
        by_devices.into_iter().filter(|removal| !self.is_blocked(*removal, device)).collect()
    }

    /// Whether the author of a removal had been removed before `device` was certified (again).
    fn is_blocked(&self, removal: OpIndex, device: &DeviceId) -> bool {
        let Some(author) = self.operation(removal).author.device else { return false };
        let earlier: Vec<OpIndex> = self
            .ancestors(&author)
            .iter()
            .filter_map(|ancestor| self.facts.removals.get(ancestor))
            .flatten()
            .copied()
            .filter(|removal| !self.late(*removal))
            .collect();
        let shields = self.certificates_of(device).iter().filter(|shield| self.shields(**shield));
        shields.into_iter().any(|shield| earlier.iter().any(|removal| self.before(*removal, *shield)))
    }

    /// The certificates of a user that still stand (signerok): signed by the user key, or by a device that was not
    /// removed without knowing of it, and that stood itself.
    pub(super) fn standing(&self, user: &UserId) -> Arc<BTreeSet<OpIndex>> {
        if let Some(standing) = self.facts.memo.borrow().standing.get(user) {
            return Arc::clone(standing);
        }
        let devices = self.facts.users.get(user).into_iter().flat_map(|user| &user.devices);
        let of_user = |index: &OpIndex| self.certificate(*index).is_some_and(|link| link.user == *user);
        let mut waiting: Vec<OpIndex> =
            devices.flat_map(|device| self.certificates_of(device)).copied().filter(of_user).collect();
        let mut standing = BTreeSet::new();
        loop {
            let before = waiting.len();
            waiting.retain(|index| {
                let stands = self.stands_on(*index, &standing);
                if stands {
                    standing.insert(*index);
                }
                !stands
            });
            if waiting.len() == before {
                break;
            }
        }
        let standing = Arc::new(standing);
        self.facts.memo.borrow_mut().standing.insert(*user, Arc::clone(&standing));
        standing
    }

    fn stands_on(&self, index: OpIndex, standing: &BTreeSet<OpIndex>) -> bool {
        let Some(certificate) = self.certificate(index) else { return false };
        let Some(signer) = &certificate.signer else { return true };
        let mut below = self.certificates_of(signer).iter();
        below.any(|earlier| standing.contains(earlier) && self.before(*earlier, index))
            && self.rmhits(signer).iter().all(|removal| self.before(index, *removal))
    }

    fn devok(&self, author: Author, at: At<'_>) -> bool {
        let Some(device) = author.device else { return true };
        let Some(user) = self.user_of(&device) else { return false };
        let standing = self.standing(&user);
        self.certificates_of(&device)
            .iter()
            .any(|index| standing.contains(index) && self.known_at(*index, at))
            && self.rmhits(&device).iter().all(|removal| self.world.before(at.place, self.place(*removal)))
    }

    // Grants.

    /// Whether a grant authorises what `author` wrote there: beyond the cut it is void, whatever it claims.
    fn authorises(&self, grant: OpIndex, author: Author, at: At<'_>) -> bool {
        let facts = &self.facts.grants[&grant];
        facts.is_structural
            && self.user_of_author(author) == Some(facts.holder)
            && self.well_formed(grant)
            && self.known_at(grant, at)
            && self.devok(author, at)
            && self.gvalid(grant)
            && self.killers(grant).iter().all(|killer| self.world.before(at.place, self.place(*killer)))
    }

    /// [`Fold::authorises`] for an operation.
    pub(super) fn auth(&self, grant: OpIndex, index: OpIndex) -> bool {
        if let Some(auth) = self.facts.memo.borrow().auth.get(&(grant, index)) {
            return *auth;
        }
        // Every question leads to questions of greater keys, so none leads back to itself.
        debug_assert!(self.facts.memo.borrow_mut().asking.insert((grant, index)), "a circle of questions");
        let operation = self.operation(index);
        let auth = self.authorises(grant, operation.author, operation.place.into());
        debug_assert!(
            self.facts.memo.borrow_mut().asking.remove(&(grant, index)),
            "a question that was asked"
        );
        self.facts.memo.borrow_mut().auth.insert((grant, index), auth);
        auth
    }

    fn gvalid(&self, grant: OpIndex) -> bool {
        let facts = &self.facts.grants[&grant];
        if matches!(self.operation(grant).claim, Claim::Genesis { .. }) {
            return true;
        }
        facts.is_structural && facts.via.is_some_and(|via| self.auth(via, grant))
    }

    /// The Revokes that end a grant: of its holder, of higher rank, and unknown to it.
    pub(super) fn killers(&self, grant: OpIndex) -> Arc<[OpIndex]> {
        if let Some(killers) = self.facts.memo.borrow().killers.get(&grant) {
            return Arc::clone(killers);
        }
        let facts = &self.facts.grants[&grant];
        let is_above = |key: Key| key > facts.key || !self.keeps(Rule::Rank) && key == facts.key;
        let ends = |revoke: &&OpIndex| {
            self.removing_via(**revoke).is_some_and(|via| {
                is_above(self.facts.grants[&via].key)
                    && !self.before(**revoke, grant)
                    && self.auth(via, **revoke)
            })
        };
        let killers: Arc<[OpIndex]> = self.revokes_of(&facts.holder).iter().filter(ends).copied().collect();
        self.facts.memo.borrow_mut().killers.insert(grant, Arc::clone(&killers));
        killers
    }

    // Answers.

    /// The class of a member; none for everybody else.
    pub(crate) fn member(&self, user: &UserId) -> Option<u8> {
        if let Some(class) = self.facts.memo.borrow().members.get(user) {
            return *class;
        }
        let classes = self.standing_grants(user).map(|grant| self.facts.grants[&grant].key.0);
        let class = classes.max().and_then(|class| u8::try_from(class).ok());
        self.facts.memo.borrow_mut().members.insert(*user, class);
        class
    }

    /// The grants of a user that are valid and not ended.
    pub(crate) fn standing_grants<'s>(
        &'s self,
        user: &UserId,
    ) -> impl Iterator<Item = OpIndex> + use<'s, 'a, W> {
        self.grants_of(user)
            .iter()
            .copied()
            .filter(|grant| self.gvalid(*grant) && self.killers(*grant).is_empty())
    }

    /// Whether some grant, ended or not, ever let this person in.
    pub(crate) fn was_ever_granted(&self, user: &UserId) -> bool {
        self.grants_of(user).iter().any(|grant| self.gvalid(*grant))
    }

    pub(crate) fn key(&self, grant: OpIndex) -> Key {
        self.facts.grants[&grant].key
    }

    pub(crate) fn is_valid_grant(&self, grant: OpIndex) -> bool {
        self.facts.grants.contains_key(&grant) && self.gvalid(grant)
    }

    pub(crate) fn members(&self) -> BTreeMap<UserId, u8> {
        self.facts.users.keys().filter_map(|user| Some((*user, self.member(user)?))).collect()
    }

    /// Not removed, and with a certificate that stands; of a member or not, of the workspace or only a link of a chain.
    pub(crate) fn is_standing(&self, device: &DeviceId) -> bool {
        self.rmhits(device).is_empty() && self.standing_certificates(device).next().is_some()
    }

    pub(crate) fn standing_certificates<'s>(
        &'s self,
        device: &DeviceId,
    ) -> impl Iterator<Item = OpIndex> + use<'s, 'a, W> {
        let standing = self.user_of(device).map(|user| self.standing(&user));
        let certificates = self.certificates_of(device).iter().copied();
        certificates.filter(move |index| standing.as_ref().is_some_and(|standing| standing.contains(index)))
    }

    /// A device of the workspace of a member, not removed.
    pub(crate) fn is_live(&self, device: &DeviceId) -> bool {
        let is_last = |index: OpIndex| self.certificate(index).is_some_and(|link| link.is_last);
        self.rmhits(device).is_empty()
            && self.standing_certificates(device).any(is_last)
            && self.user_of(device).is_some_and(|user| self.member(&user).is_some())
    }

    /// Every device that some certificate names as one of the workspace.
    pub(crate) fn named_devices(&self) -> impl Iterator<Item = &DeviceId> {
        self.facts.certificates.keys()
    }

    /// Whether what `author` wrote there counts, when that takes at least this class.
    pub(crate) fn counts(&self, author: Author, at: At<'_>, least: u8) -> bool {
        let grants = self.grants_of(&author.user);
        let of_class = grants.iter().filter(|grant| self.facts.grants[*grant].key.0 >= i32::from(least));
        of_class.into_iter().any(|grant| self.authorises(*grant, author, at))
    }

    /// Whether an operation with a `via` is authorised by it, when that takes at least admin.
    pub(crate) fn is_by_admin(&self, index: OpIndex, via: &OpRef) -> bool {
        let via = self.resolve_via(via, index).filter(|via| self.facts.grants[via].key.0 >= ADMIN);
        via.is_some_and(|via| self.auth(via, index))
    }

    /// Whether an operation on a device was written by it or a sibling in good standing.
    pub(crate) fn is_by_sibling(&self, index: OpIndex, device: &DeviceId) -> bool {
        let operation = self.operation(index);
        self.user_of(device) == self.user_of_author(operation.author)
            && self.devok(operation.author, operation.place.into())
    }

    /// The operations that set the endpoint of a device, by it or a sibling in good standing.
    pub(crate) fn endpoints_of(&self, device: &DeviceId) -> Vec<OpIndex> {
        let set = self.facts.endpoints.get(device).map_or(&[][..], Vec::as_slice);
        set.iter().copied().filter(|index| self.is_by_sibling(*index, device)).collect()
    }

    /// Of these operations the ones in no other's past.
    pub(crate) fn latest(&self, indexes: &[OpIndex]) -> Vec<OpIndex> {
        let is_latest = |index: &&OpIndex| !indexes.iter().any(|other| self.before(**index, *other));
        indexes.iter().filter(is_latest).copied().collect()
    }

    pub(crate) fn visible(&self) -> impl Iterator<Item = (OpIndex, &Operation)> {
        self.facts.visible.iter().map(|index| (*index, self.operation(*index)))
    }

    /// The entries of an epoch that count, originals and re-wraps.
    pub(crate) fn counting_epochs(&self, epoch: &EpochId) -> Vec<OpIndex> {
        let named = self.facts.epochs.get(epoch).map_or(&[][..], Vec::as_slice);
        let counts = |index: &&OpIndex| {
            let operation = self.operation(**index);
            let least = if is_original(operation) { EDITOR } else { VIEWER };
            self.counts(operation.author, operation.place.into(), u8::try_from(least).unwrap_or(u8::MAX))
        };
        named.iter().filter(counts).copied().collect()
    }

    pub(crate) fn epochs(&self) -> impl Iterator<Item = &EpochId> {
        self.facts.epochs.keys()
    }

    /// Removals that every epoch in use must know of.
    fn counting_removals(&self) -> Arc<[OpIndex]> {
        if let Some(removals) = &self.facts.memo.borrow().removals {
            return Arc::clone(removals);
        }
        let removals: Arc<[OpIndex]> = self.find_counting_removals().into();
        self.facts.memo.borrow_mut().removals = Some(Arc::clone(&removals));
        removals
    }

    fn find_counting_removals(&self) -> Vec<OpIndex> {
        let revokes = self.facts.users.values().flat_map(|user| user.revokes.iter().copied());
        let revokes =
            revokes.filter(|revoke| self.removing_via(*revoke).is_some_and(|via| self.auth(via, *revoke)));
        let reads = |user: &UserId| self.member(user).is_some_and(|class| i32::from(class) >= VIEWER);
        let readers = self.facts.users.iter().filter(|(user, _)| reads(user));
        let devices = readers.flat_map(|(_, operations)| &operations.devices);
        let hits = devices.map(|device| self.rmhits(device)).filter(|hits| !hits.is_empty());
        revokes.chain(hits.flat_map(|hits| hits.to_vec())).collect()
    }

    /// Whether new entries may be sealed under this epoch, for somebody who knows exactly what this fold sees.
    pub(crate) fn usable(&self, epoch: &EpochId) -> bool {
        let mut counting = self.counting_epochs(epoch);
        if self.keeps(Rule::Rewrap) {
            counting.retain(|index| is_original(self.operation(*index)));
        }
        let removals = self.counting_removals();
        let mut fits = counting.iter().map(|index| self.is_rightly_made(*index, &removals));
        if self.keeps(Rule::Rewrap) {
            !counting.is_empty() && fits.all(|fits| fits)
        } else {
            fits.any(|fits| fits)
        }
    }

    /// Whether an epoch was written by somebody who is in and who knew of every removal.
    fn is_rightly_made(&self, index: OpIndex, removals: &[OpIndex]) -> bool {
        let author = self.operation(index).author;
        let is_by_member = author.device.is_none_or(|device| self.is_standing(&device));
        let class = self.user_of_author(author).and_then(|user| self.member(&user)).unwrap_or(0);
        is_by_member
            && i32::from(class) >= VIEWER
            && removals.iter().all(|removal| self.before(*removal, index))
    }
}

fn is_original(operation: &Operation) -> bool {
    matches!(operation.claim, Claim::Epoch { is_original: true, .. })
}

/// Only the owner makes admins; an admin lets in editors and below.
fn may_grant(granter: i32, class: i32) -> bool {
    granter == OWNER && class <= ADMIN || granter == ADMIN && class <= EDITOR
}
