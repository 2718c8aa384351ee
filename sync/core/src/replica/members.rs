//! Membership as replication sees it: before Genesis has come nobody is known.

use std::collections::BTreeMap;

use crate::acl::Class;
use crate::entry::{Entry, Kind, Signer};
use crate::epoch::Cover;
use crate::ids::{DeviceId, EndpointId, EntryId, EntryRef, EpochId, LogId, UserId, WorkspaceId};
use crate::membership::{
    ControlPlace, EpochState, GenesisError, InsertError, Inserted, LiveDevice, Membership, Standing,
};
use crate::wraps::AgeRecipient;

/// See [`Membership`].
#[derive(Debug)]
pub(super) struct Members {
    ws: WorkspaceId,
    membership: Option<Membership>,
}

/// Why an entry was not taken.
#[derive(Debug)]
pub(super) enum TakeError {
    /// Control-lane entries that it names have to come first.
    Missing(Vec<EntryId>),
    /// It founds no workspace that this program can take part in.
    Genesis(GenesisError),
    /// It has no place here, or there is no room for it.
    Refused,
}

impl Members {
    pub(super) fn new(ws: WorkspaceId) -> Self {
        Self { ws, membership: None }
    }

    pub(super) fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Takes an entry of which signature and chain are right. True when it changes what was known:
    /// also an entry of a data log does, when a removal names it as seen.
    pub(super) fn insert(&mut self, entry: &Entry) -> Result<bool, TakeError> {
        match &mut self.membership {
            None if entry.header.kind == Kind::Genesis && entry.id() == self.ws.genesis() => {
                self.membership = Some(Membership::found(entry).map_err(TakeError::Genesis)?);
                Ok(true)
            }
            None => Err(TakeError::Missing(vec![self.ws.genesis()])),
            Some(membership) => match membership.insert(entry) {
                Ok(inserted) => Ok(inserted == Inserted::Changed),
                Err(InsertError::Missing { entries }) => Err(TakeError::Missing(entries)),
                Err(_) => Err(TakeError::Refused),
            },
        }
    }

    /// Learns where data logs end, and looks up what membership has to know of before that.
    pub(super) fn restore(
        &mut self,
        last: &[EntryRef],
        id_at: &mut dyn FnMut(&LogId, u64) -> Option<EntryId>,
    ) {
        let Some(membership) = &mut self.membership else { return };
        membership.hold(last);
        let mut held = membership.unconfirmed();
        held.retain(|named| id_at(&named.log, named.seq) == Some(named.id));
        membership.hold(&held);
    }

    /// Entries of data logs that removals name and that may be here.
    pub(super) fn unconfirmed(&self) -> Vec<EntryRef> {
        self.membership.as_ref().map(Membership::unconfirmed).unwrap_or_default()
    }

    pub(super) fn hold(&mut self, here: &[EntryRef]) {
        if let Some(membership) = &mut self.membership {
            membership.hold(here);
        }
    }

    pub(super) fn is_here(&self, id: &EntryId) -> bool {
        self.membership.as_ref().is_some_and(|membership| membership.is_here(id))
    }

    pub(super) fn heads(&self) -> Vec<EntryId> {
        self.membership.as_ref().map(Membership::heads).unwrap_or_default()
    }

    pub(super) fn admits(&self, entry: &Entry, signer: &Signer) -> bool {
        match &self.membership {
            Some(membership) => membership.admits(entry, signer),
            None => entry.id() == self.ws.genesis(),
        }
    }

    pub(super) fn is_known(&self, user: &UserId) -> bool {
        self.membership.as_ref().is_some_and(|membership| membership.is_known(user))
    }

    pub(super) fn class_of(&self, user: &UserId) -> Option<Class> {
        self.membership.as_ref()?.class_of(user)
    }

    pub(super) fn has_room_for(&self, entry: &Entry, signer: &Signer) -> bool {
        self.membership.as_ref().is_none_or(|membership| membership.has_room_for(entry, signer))
    }

    pub(super) fn counts(&self, entry: &Entry) -> bool {
        self.membership.as_ref().is_some_and(|membership| membership.counts(entry))
    }

    pub(super) fn place_of(&self, entry: &Entry) -> ControlPlace {
        self.membership.as_ref().map_or(ControlPlace::Detached, |membership| membership.place_of(entry))
    }

    /// Whether several branches of a log of the control lane are here.
    pub(super) fn is_branching(&self, log: &LogId) -> bool {
        self.membership.as_ref().is_some_and(|membership| membership.ends_of(log).nth(1).is_some())
    }

    pub(super) fn is_on_dead_branch(&self, at: &EntryRef) -> bool {
        let membership = self.membership.as_ref();
        membership.is_some_and(|membership| membership.is_on_dead_branch(&at.log, at.seq, &at.id))
    }

    /// Whether nothing of a data log lives from this number on.
    pub(super) fn is_dead_from(&self, log: &LogId, seq: u64) -> bool {
        let Some(membership) = self.membership.as_ref().filter(|membership| membership.is_forked(log)) else {
            return false;
        };
        membership.fork_verdicts(log).iter().any(|verdict| verdict.winner.is_none() && seq >= verdict.seq)
    }

    pub(super) fn cut_back(&mut self, to: &EntryRef) {
        if let Some(membership) = &mut self.membership {
            membership.cut_back(to);
        }
    }

    pub(super) fn has_removals(&self) -> bool {
        self.membership.as_ref().is_some_and(Membership::has_removals)
    }

    pub(super) fn standing(&self, endpoint: &EndpointId) -> Standing {
        match &self.membership {
            Some(membership) => membership.standing_of(endpoint),
            None => Standing::Unknown,
        }
    }

    pub(super) fn device(&self, device: &DeviceId) -> Option<LiveDevice> {
        self.membership.as_ref()?.device(device)
    }

    pub(super) fn devices(&self) -> Vec<LiveDevice> {
        self.membership.as_ref().map(Membership::live_devices).unwrap_or_default()
    }

    pub(super) fn usable_epochs(&self) -> Vec<EpochState> {
        self.membership.as_ref().map(Membership::usable_epochs).unwrap_or_default()
    }

    pub(super) fn epoch(&self, epoch: &EpochId) -> Option<EpochState> {
        self.membership.as_ref()?.epoch(epoch)
    }

    pub(super) fn head_epochs(&self) -> Vec<EpochId> {
        self.membership.as_ref().map(Membership::head_epochs).unwrap_or_default()
    }

    pub(super) fn recipients(&self) -> BTreeMap<Cover, AgeRecipient> {
        self.membership.as_ref().map(Membership::recipients).unwrap_or_default()
    }

    pub(super) fn first_epoch(&self) -> Option<EpochId> {
        self.membership.as_ref().map(|membership| membership.genesis().first_epoch)
    }
}
