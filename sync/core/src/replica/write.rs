//! Writing to our own logs.
//!
//! What is to be written waits in a queue and becomes entries when the next transaction begins:
//! so small writes that come while the disk is busy share an entry, and no entry exists that is
//! not on its way to the disk. Two entries with one number must never exist.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use rand::CryptoRng;

use super::Replica;
use super::commit::Prepared;
use super::effect::{Effect, LocalItem, WriteError};
use super::input::{Write, WriteId};
use super::logs::Head;
use crate::acl::{Acl, AclOperation, Class};
use crate::data::{Item, Origin, PackError, pack};
use crate::entry::{ClearBody, Close, Entry, Frontier, Header, KeyRequest, Kind, Lane, Open, Signer};
use crate::identity::UserKeys;
use crate::ids::{BodyHash, DeviceId, EntryRef, EpochId, LogId, SessionId, WallMillis, WorkspaceId};
use crate::limits::{
    ACL_HEADS_MAX, ACL_OPERATIONS_PER_ENTRY_MAX, ENTRY_BODY_BYTES_MAX, ENTRY_VERSION, PREV_LOGS_MAX,
    WRITES_QUEUED_BYTES_MAX,
};
use crate::seal::EpochKey;
use crate::wire;

/// The session that we write under.
#[derive(Debug)]
pub(super) struct OwnSession {
    pub(super) signer: Signer,
    pub(super) session: SessionId,
    pub(super) data_log: LogId,
    pub(super) control_log: LogId,
    /// Whether another session must begin before anything is written.
    pub(super) is_retired: bool,
}

impl OwnSession {
    pub(super) fn new(ws: &WorkspaceId, signer: Signer, session: SessionId) -> Self {
        Self {
            signer,
            session,
            data_log: signer.log_id(ws, &session, Lane::Data),
            control_log: signer.log_id(ws, &session, Lane::Control),
            is_retired: false,
        }
    }
}

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    work: VecDeque<OwnWork>,
    /// Bytes of the changes among it.
    bytes: usize,
}

#[derive(Debug)]
pub(super) enum OwnWork {
    Data(Write),
    Acl {
        write: WriteId,
        acl: Acl,
    },
    /// Wrap the epoch in use to all members that it does not cover, and to these devices.
    Cover {
        epoch: Option<EpochId>,
        devices: BTreeSet<DeviceId>,
    },
    /// Signed with the user key.
    AsUser {
        write: WriteId,
        user: Arc<UserKeys>,
        operations: Vec<AclOperation>,
    },
    KeyRequest {
        epoch: EpochId,
    },
    Frontier {
        positions: Vec<EntryRef>,
    },
    /// Shows that a log was continued twice.
    ForkProof(Box<Acl>),
}

impl WriteQueue {
    pub(super) fn push(&mut self, work: OwnWork) {
        if let OwnWork::Data(write) = &work {
            self.bytes += bytes_of(write);
        }
        self.work.push_back(work);
    }

    fn pop(&mut self) -> Option<OwnWork> {
        let work = self.work.pop_front()?;
        if let OwnWork::Data(write) = &work {
            self.bytes -= bytes_of(write);
        }
        Some(work)
    }

    /// Takes the next write when it can share entries with one of this origin.
    fn pop_alike(&mut self, origin: &Origin) -> Option<Write> {
        match self.work.front() {
            Some(OwnWork::Data(next)) if next.origin == *origin => match self.pop() {
                Some(OwnWork::Data(write)) => Some(write),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.work.is_empty()
    }
}

fn bytes_of(write: &Write) -> usize {
    write.items.iter().map(|item| item.change.len()).sum()
}

impl Replica {
    pub(super) fn write(&mut self, write: Write) {
        let reason = if self.stop.is_some() {
            WriteError::Stopping
        } else if write.items.is_empty() {
            return self.effects.push(Effect::Written { write: write.write, entries: Vec::new() });
        } else if self.queue.bytes + bytes_of(&write) > WRITES_QUEUED_BYTES_MAX && !self.queue.is_empty() {
            WriteError::Busy
        } else {
            return self.queue.push(OwnWork::Data(write));
        };
        self.refuse(write.write, reason);
    }

    pub(super) fn write_acl(&mut self, write: WriteId, operations: Vec<AclOperation>) {
        if self.stop.is_some() {
            self.refuse(write, WriteError::Stopping);
        } else if operations.len() > ACL_OPERATIONS_PER_ENTRY_MAX {
            self.refuse(write, WriteError::TooManyOperations);
        } else {
            let concerns_keys = operations.iter().any(concerns_keys);
            let acl = Acl { operations };
            let body = acl.encode_body();
            if body.len() > ENTRY_BODY_BYTES_MAX {
                return self.refuse(write, WriteError::TooManyOperations);
            }
            if wire::decode::<Acl>(&body).is_err() {
                // An operation over one of its limits: nobody could read it.
                return self.refuse(write, WriteError::Refused);
            }
            self.queue.push(OwnWork::Acl { write, acl });
            if concerns_keys {
                self.queue.push(OwnWork::Cover { epoch: None, devices: BTreeSet::new() });
            }
        }
    }

    pub(super) fn write_as_user(
        &mut self,
        write: WriteId,
        user: Arc<UserKeys>,
        operations: Vec<AclOperation>,
    ) {
        if self.stop.is_some() {
            return self.refuse(write, WriteError::Stopping);
        }
        let concerns_keys = operations.iter().any(concerns_keys);
        self.queue.push(OwnWork::AsUser { write, user, operations });
        if concerns_keys {
            self.queue.push(OwnWork::Cover { epoch: None, devices: BTreeSet::new() });
        }
    }

    fn refuse(&mut self, write: WriteId, reason: WriteError) {
        self.effects.push(Effect::WriteRefused { write, reason });
    }

    /// Turns all that waits into entries.
    pub(super) fn write_queued(&mut self, rng: &mut dyn CryptoRng) {
        if self.own.is_retired {
            self.begin_session(rng);
        }
        while let Some(work) = self.queue.pop() {
            match work {
                OwnWork::Data(write) => self.write_data(write, rng),
                OwnWork::Acl { write, acl } => match self.append_clear(&acl, rng) {
                    Some(at) => self.gather.wrote(write, at),
                    None => self.refuse(write, WriteError::Refused),
                },
                OwnWork::AsUser { write, user, operations } => {
                    match self.append_as_user(&user, operations, rng) {
                        Some(at) => self.gather.wrote(write, at),
                        None => self.refuse(write, WriteError::Refused),
                    }
                }
                OwnWork::Cover { epoch, devices } => self.write_cover(epoch, &devices, rng),
                OwnWork::KeyRequest { epoch } => {
                    self.append_clear(&KeyRequest { epoch }, rng);
                }
                OwnWork::Frontier { positions } => self.write_frontier(positions, rng),
                OwnWork::ForkProof(acl) => {
                    if self.append_clear(&*acl, rng).is_none() {
                        self.forks.vote_refused(&acl);
                    }
                }
            }
        }
    }

    /// Begins a new session: nothing is written to the logs of the old one any more.
    fn begin_session(&mut self, rng: &mut dyn CryptoRng) {
        let mut session = [0; 16];
        rng.fill_bytes(&mut session);
        let session = SessionId::from_bytes(session);
        self.own = OwnSession::new(&self.config.ws, self.own.signer, session);
        self.frontier.forget();
        self.effects.push(Effect::SessionStarted { session });
    }

    fn write_data(&mut self, first: Write, rng: &mut dyn CryptoRng) {
        let Some(key) = self.key_to_write(rng) else {
            let reason =
                if self.class() >= Some(Class::Editor) { WriteError::NoKey } else { WriteError::NotAllowed };
            return self.refuse(first.write, reason);
        };
        let (origin, wall) = (first.origin.clone(), first.wall);
        let mut items = Vec::new();
        let mut local = Vec::new();
        let mut next = Some(first);
        while let Some(write) = next {
            if write.log == self.own.data_log {
                let places = (0..write.items.len()).map(|index| LocalItem { write: write.write, index });
                local.extend(places);
                items.extend(write.items);
            } else {
                self.refuse(write.write, WriteError::StaleLog);
            }
            next = self.queue.pop_alike(&origin);
        }
        self.append_data(&origin, wall, &items, &local, &key, rng);
    }

    fn append_data(
        &mut self,
        origin: &Origin,
        wall: WallMillis,
        items: &[Item],
        local: &[LocalItem],
        key: &EpochKey,
        rng: &mut dyn CryptoRng,
    ) {
        let bodies = match pack(wall, origin, items) {
            Ok(bodies) => bodies,
            Err(PackError::ChangeTooLarge { index, .. }) => {
                return self.append_without(index, origin, wall, items, local, key, rng);
            }
            Err(PackError::OriginName) => {
                let writes: BTreeSet<WriteId> = local.iter().map(|item| item.write).collect();
                writes.into_iter().for_each(|write| self.refuse(write, WriteError::TooLarge));
                return;
            }
        };
        let mut rest = local;
        for body in bodies {
            let (of_this, of_next) = rest.split_at(body.items);
            rest = of_next;
            let at = self.append(Kind::Data, Body::Sealed(&body.plain, key), of_this.to_vec(), rng);
            for item in of_this {
                match at {
                    Some(at) => self.gather.wrote(item.write, at),
                    None => self.refuse(item.write, WriteError::Refused),
                }
            }
        }
    }

    /// Refuses the write that holds the change at `index`, and appends the others.
    #[expect(clippy::too_many_arguments, reason = "the parts of one call of `append_data`")]
    fn append_without(
        &mut self,
        index: usize,
        origin: &Origin,
        wall: WallMillis,
        items: &[Item],
        local: &[LocalItem],
        key: &EpochKey,
        rng: &mut dyn CryptoRng,
    ) {
        let refused = local[index].write;
        self.refuse(refused, WriteError::TooLarge);
        let kept = || items.iter().zip(local).filter(|(_, place)| place.write != refused);
        let items: Vec<Item> = kept().map(|(item, _)| item.clone()).collect();
        let local: Vec<LocalItem> = kept().map(|(_, place)| *place).collect();
        self.append_data(origin, wall, &items, &local, key, rng);
    }

    fn write_frontier(&mut self, positions: Vec<EntryRef>, rng: &mut dyn CryptoRng) {
        // A Frontier never begins a log.
        if self.logs.get(&self.own.data_log).is_some() {
            self.append_clear(&Frontier { positions }, rng);
        }
    }

    pub(super) fn append_clear<B: ClearBody>(
        &mut self,
        body: &B,
        rng: &mut dyn CryptoRng,
    ) -> Option<EntryRef> {
        self.append(B::KIND, Body::Clear(body.encode_body()), Vec::new(), rng)
    }

    /// Writes the next entry of one of our logs; begins the log when it does not exist yet.
    /// None when membership does not take it, in which case nothing was written.
    fn append(
        &mut self,
        kind: Kind,
        body: Body<'_>,
        local: Vec<LocalItem>,
        rng: &mut dyn CryptoRng,
    ) -> Option<EntryRef> {
        let lane = if matches!(kind, Kind::Data | Kind::Frontier) { Lane::Data } else { Lane::Control };
        let log = match lane {
            Lane::Data => self.own.data_log,
            Lane::Control => self.own.control_log,
        };
        self.gather_heads(rng)?;
        self.open_log(log, lane, rng)?;
        self.append_in(log, lane, kind, body, local, rng)
    }

    /// Begins one of our logs unless it exists.
    fn open_log(&mut self, log: LogId, lane: Lane, rng: &mut dyn CryptoRng) -> Option<()> {
        if self.logs.get(&log).is_none() {
            let open = self.open_body().encode_body();
            self.append_in(log, lane, Kind::Open, Body::Clear(open), Vec::new(), rng)?;
        }
        Some(())
    }

    /// Writes a log of the person's own: begun, said, closed. It happens a few times in the life of a person, so that each
    /// time may have a log of its own.
    fn append_as_user(
        &mut self,
        user: &UserKeys,
        operations: Vec<AclOperation>,
        rng: &mut dyn CryptoRng,
    ) -> Option<EntryRef> {
        let mut session = [0; 16];
        rng.fill_bytes(&mut session);
        let (signer, session) = (Signer::User(user.user_id()), SessionId::from_bytes(session));
        let log = signer.log_id(&self.config.ws, &session, Lane::Control);
        let pen = Pen { signer, key: user.signing_key().clone() };
        let mut prev_logs = self.logs.unnamed(&signer, &[log]);
        prev_logs.truncate(PREV_LOGS_MAX);
        let app_version = self.config.app_version.clone();
        let open = Open { signer, session, prev_logs, app_version };
        let mut append = |replica: &mut Self, kind, body| {
            replica.append_by(&pen, log, Lane::Control, kind, Body::Clear(body), Vec::new(), rng)
        };
        append(self, Kind::Open, open.encode_body())?;
        while self.members.heads().len() > ACL_HEADS_MAX {
            append(self, Kind::Acl, Acl::default().encode_body())?;
        }
        let mut last = None;
        let mut operations = operations.into_iter().peekable();
        while operations.peek().is_some() {
            let some = operations.by_ref().take(ACL_OPERATIONS_PER_ENTRY_MAX).collect();
            last = Some(append(self, Kind::Acl, Acl { operations: some }.encode_body())?);
        }
        append(self, Kind::Close, Close {}.encode_body())?;
        last
    }

    /// Names control-lane heads eight at a time until an entry can name all that are left.
    fn gather_heads(&mut self, rng: &mut dyn CryptoRng) -> Option<()> {
        while self.members.heads().len() > ACL_HEADS_MAX {
            let (log, lane) = (self.own.control_log, Lane::Control);
            self.open_log(log, lane, rng)?;
            let empty = Body::Clear(Acl::default().encode_body());
            self.append_in(log, lane, Kind::Acl, empty, Vec::new(), rng)?;
        }
        Some(())
    }

    fn open_body(&self) -> Open {
        let own = self.own_logs();
        let mut prev_logs: Vec<EntryRef> = self.logs.unnamed(&self.own.signer, &own);
        prev_logs.truncate(PREV_LOGS_MAX);
        Open {
            signer: self.own.signer,
            session: self.own.session,
            prev_logs,
            app_version: self.config.app_version.clone(),
        }
    }

    fn append_in(
        &mut self,
        log: LogId,
        lane: Lane,
        kind: Kind,
        body: Body<'_>,
        local: Vec<LocalItem>,
        rng: &mut dyn CryptoRng,
    ) -> Option<EntryRef> {
        let pen = Pen { signer: self.own.signer, key: self.config.keys.signing_key().clone() };
        self.append_by(&pen, log, lane, kind, body, local, rng)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one entry, and who signs it")]
    fn append_by(
        &mut self,
        pen: &Pen,
        log: LogId,
        lane: Lane,
        kind: Kind,
        body: Body<'_>,
        local: Vec<LocalItem>,
        rng: &mut dyn CryptoRng,
    ) -> Option<EntryRef> {
        let head = self.logs.get(&log).map_or(Head::START, |state| state.accepted);
        let mut acl_heads = self.members.heads();
        acl_heads.truncate(ACL_HEADS_MAX);
        let mut header = Header {
            ver: ENTRY_VERSION,
            ws: self.config.ws,
            log,
            seq: head.seq + 1,
            prev: head.id,
            kind,
            acl_heads,
            epoch: None,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        };
        let body = match body {
            Body::Clear(body) => body,
            Body::Sealed(plain, key) => {
                header.epoch = Some(key.id());
                key.entry_key(&log).seal(&header, plain, rng).expect("a body that was packed to fit")
            }
        };
        let entry =
            Entry::sign(header, body, &pen.key).expect("a body within its limit and fields that agree");
        self.members.insert(&entry).ok()?;
        let (at, bytes) = (entry.entry_ref(), entry.encode().into());
        let is_side = false;
        self.enter(Prepared { entry, bytes, signer: pen.signer, lane, from: None, local, is_side });
        Some(at)
    }

    /// Begins another session before anything else is written.
    pub fn renew_session(&mut self) {
        self.own.is_retired = true;
    }

    /// What this device may do.
    pub(super) fn class(&self) -> Option<Class> {
        self.members.device(&self.config.keys.device_id()).map(|device| device.class)
    }
}

/// Who signs an entry.
struct Pen {
    signer: Signer,
    key: SigningKey,
}

enum Body<'a> {
    Clear(Vec<u8>),
    Sealed(&'a [u8], &'a EpochKey),
}

/// Whether an operation changes whom keys are wrapped to, or makes epochs unusable.
fn concerns_keys(operation: &AclOperation) -> bool {
    match operation {
        AclOperation::AddDev { .. }
        | AclOperation::RmDev { .. }
        | AclOperation::Grant { .. }
        | AclOperation::Revoke { .. } => true,
        AclOperation::SetEndpoint { .. }
        | AclOperation::SetPolicy { .. }
        | AclOperation::ForkProof { .. } => false,
    }
}
