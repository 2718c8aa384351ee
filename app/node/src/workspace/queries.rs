//! What people ask of a workspace, and what they do by commands.

use std::collections::BTreeMap;

use weft_crdt::tree::{
    BlobRef, ContentValue, DigestLine, DocumentFacts as _, NodeKind, Planner, digest_tree,
};
use weft_crdt::{Author, CharIndex, ContentId, DocumentId, Edit, NodeId, PastText, TextDocument, Version};
use weft_sync::acl::Class;
use weft_sync::data::Origin as DataOrigin;
use weft_sync::frames::Position;
use weft_sync::ids::{DeviceId, EndpointId, LogId, UserId};
use weft_sync::replica::{self, WriteId};

use super::deliver::Dirty;
use super::disk::push_parts;
use super::documents::LoadError;
use super::engine::{Engine, EngineEvent};
use super::people::People;
use super::saves::is_text;
use crate::api::{
    ApiError, CatText, Conduct, Digests, EditAction, Edited, FolderWork, Member, MemberDevice, MembersList,
    PeerStatus, PendingPath, Restored, Role, WorkspaceState,
};
use crate::mirror::{HoldReason, Skipped};

/// What a status says that the workspace itself knows.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) state: WorkspaceState,
    pub(crate) state_reason: Option<String>,
    pub(crate) digests: Digests,
    pub(crate) frontier: BTreeMap<String, u64>,
    pub(crate) peers: Vec<PeerStatus>,
    pub(crate) pending: Vec<PendingPath>,
    pub(crate) not_shared: u64,
    pub(crate) folder_work: FolderWork,
    pub(crate) kept_by: Vec<(EndpointId, String)>,
}

/// More than so many edits that are not here are not counted: a member may claim any number.
const LACKING_COUNTED_MAX: u64 = 1_000_000;

/// What the person may want to have shared and is not, with what to do.
fn not_shared(skipped: &Skipped) -> impl Iterator<Item = PendingPath> {
    let unreadable = skipped.unreadable.iter().map(|(path, reason)| PendingPath {
        path: path.clone(),
        reason: format!("cannot be read ({reason}), so nothing new of it is shared; it is tried again"),
    });
    let not_unicode = skipped.not_unicode.iter().map(|path| PendingPath {
        path: path.clone(),
        reason: "not shared, its name is not Unicode; rename it".to_owned(),
    });
    let refused = skipped.refused.iter().map(|(path, error)| PendingPath {
        path: path.clone(),
        reason: format!("not shared, {error}; rename or move it"),
    });
    unreadable.chain(not_unicode).chain(refused)
}

/// How a role is called.
pub(crate) fn role(class: Class) -> Role {
    match class {
        Class::Owner => Role::Owner,
        Class::Admin => Role::Admin,
        Class::Editor => Role::Editor,
        Class::Viewer => Role::Viewer,
        Class::Keeper => Role::Keeper,
    }
}

/// How a device behaves.
fn conduct(conduct: replica::Conduct) -> Conduct {
    match conduct {
        replica::Conduct::Fair => Conduct::Fair,
        replica::Conduct::Slowed => Conduct::Slowed,
        replica::Conduct::ShutOut => Conduct::ShutOut,
    }
}

impl Engine {
    /// Names what is shown, and the state of every text.
    pub(crate) fn digests(&self) -> Digests {
        let mut lines: Vec<(String, NodeKind, bool, Option<ContentId>)> = Vec::new();
        let mut shown = Vec::new();
        self.view.for_each(|path, node| shown.push((path.to_owned(), node)));
        let mut files = 0;
        for (path, node) in shown {
            files += u64::from(node.kind == NodeKind::File);
            let content = node.content.as_deref().and_then(|content| match content {
                ContentValue::Blob(blob) => Some(blob.content),
                ContentValue::Text { document, base } => match self.text_of(*document) {
                    Ok((_, bytes)) => self.contents.as_ref().map(|c| c.content_id(&bytes)),
                    Err(_) => Some(base.content),
                },
            });
            lines.push((path, node.kind, node.executable, content));
        }
        let tree = digest_tree(lines.iter().map(|(path, kind, executable, content)| DigestLine {
            path,
            kind: *kind,
            executable: *executable,
            content: *content,
        }));
        Digests { tree: hex(&tree), heads: hex(&self.digest_heads()), files }
    }

    /// The same, computed once until something happens: a window asks every few seconds, also while nobody does anything.
    fn kept_digests(&self) -> Digests {
        let mut known = self.known_digests.borrow_mut();
        if let Some(digests) = &*known {
            debug_assert_eq!(*digests, self.digests(), "something has changed them that does not say so");
            return digests.clone();
        }
        let digests = self.digests();
        known.insert(digests).clone()
    }

    /// The changes of a document that no other builds upon.
    fn heads_of_changes(&self, document: DocumentId) -> Version {
        let changes = self.documents.borrow().changes(document, &self.replica).unwrap_or_default();
        let built_upon: std::collections::BTreeSet<_> =
            changes.iter().flat_map(|carried| carried.change.deps()).copied().collect();
        let hashes = changes.iter().map(|carried| carried.change.hash());
        Version::new(hashes.filter(|hash| !built_upon.contains(hash)))
    }

    /// Everything that is shown.
    pub(crate) fn shown(&self) -> BTreeMap<String, weft_crdt::tree::ShownNode> {
        self.view.shown()
    }

    /// What would be shown if the tree was laid out anew.
    pub(crate) fn laid_out_anew(&self) -> Vec<String> {
        let view = weft_crdt::tree::TreeView::of(self.view.platform(), &self.tree, &self.facts());
        view.shown().iter().map(|(path, node)| format!("{path}: {node:?}")).collect()
    }

    /// The name of the present text of a document.
    pub(crate) fn text_content(&self, document: DocumentId) -> Option<ContentId> {
        let (_, bytes) = self.text_of(document).ok()?;
        Some(self.contents.as_ref()?.content_id(&bytes))
    }

    fn digest_heads(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("weft 2026 heads digest v1");
        let mut add = |document: DocumentId, heads: &Version| {
            hasher.update(document.as_bytes());
            for hash in heads.hashes() {
                hasher.update(hash.as_bytes());
            }
        };
        add(self.tree.id(), self.tree.heads());
        for (document, heads) in self.heads_of_texts() {
            add(document, &heads);
        }
        *hasher.finalize().as_bytes()
    }

    /// The heads of every text with changes that count.
    pub(crate) fn heads_of_texts(&self) -> BTreeMap<DocumentId, Version> {
        let edited: Vec<DocumentId> = self.documents.borrow().edited().collect();
        let counts = |document: &DocumentId| {
            *document != self.tree.id() && self.facts().counting_beyond(*document, &Version::default())
        };
        let heads = edited.into_iter().filter(counts).map(|document| {
            // A text whose beginning is not here, because its file is deleted, has heads all the same.
            let heads = self.with_text(document, |text| text.heads().clone());
            (document, heads.unwrap_or_else(|_| self.heads_of_changes(document)))
        });
        heads.collect()
    }

    /// The heads of the tree and of every text with changes that count.
    pub(crate) fn heads(&self) -> BTreeMap<DocumentId, Version> {
        let mut heads = self.heads_of_texts();
        heads.insert(self.tree.id(), self.tree.heads().clone());
        heads
    }

    /// Everything that `weft status` says of the workspace.
    pub(crate) fn summary(&self) -> Summary {
        let frontier = self.replica.frontier();
        let mut pending: Vec<PendingPath> = self
            .show
            .problems()
            .map(|(path, reason)| PendingPath { path: path.to_owned(), reason: reason.to_owned() })
            .collect();
        pending.extend(
            self.view
                .unwritten()
                .into_iter()
                .map(|unwritten| PendingPath { path: unwritten.path, reason: unwritten.problem.to_string() }),
        );
        pending.extend(self.doubled_texts());
        pending.extend(self.unshared_saves());
        let skipped = &self.scan.skipped;
        pending.extend(not_shared(skipped));
        let (state, state_reason) = self.state();
        Summary {
            name: self.replica.workspace_name().unwrap_or_default(),
            role: self.replica.own_class().map_or(Role::Viewer, role),
            state,
            state_reason,
            digests: self.kept_digests(),
            frontier: frontier.into_iter().map(|at| (at.log.to_string(), at.seq)).collect(),
            peers: self.peer_statuses(),
            pending,
            not_shared: (skipped.symlinks + skipped.special_files + skipped.secret_count) as u64,
            kept_by: self.kept_by(),
            folder_work: FolderWork {
                is_first_read: self.scan.has_begun && !self.scan.is_done,
                to_read: self.scan.unread.paths as u64,
                waits_for_git: self.scan.unread.waits_for_git,
                to_write: if self.show.hold.is_some() { 0 } else { self.show.outstanding() as u64 },
                to_fetch: self.fetches.len() as u64,
            },
        }
    }

    fn state(&self) -> (WorkspaceState, Option<String>) {
        if let Some(reason) = &self.failure {
            return (WorkspaceState::ReadOnly, Some(reason.clone()));
        }
        if let Some(reason) = &self.show.hold {
            return (WorkspaceState::Held, Some(format!("{reason}; {}", reason.hint())));
        }
        let status = self.replica.sync_status();
        if status.waiting_for_key > 0 || self.contents.is_none() {
            let reason = format!("{} edits wait for a key from another member", status.waiting_for_key);
            return (WorkspaceState::Waiting, Some(reason));
        }
        if self.replica.own_class().is_none() {
            let reason = "what you have stays readable; nothing comes or goes any more";
            return (WorkspaceState::Removed, Some(reason.to_owned()));
        }
        if status.needs_newer {
            let reason =
                "somebody uses a newer Weft, and what that wrote is stored and not shown; update this one";
            return (WorkspaceState::Waiting, Some(reason.to_owned()));
        }
        match self.lacking(&status.incomplete) {
            Some(reason) => (WorkspaceState::Waiting, Some(reason)),
            None => (WorkspaceState::Active, None),
        }
    }

    /// What members have named that is not here, and that nobody connected has.
    fn lacking(&self, ends: &[Position]) -> Option<String> {
        let held: BTreeMap<_, _> = self.replica.frontier().into_iter().map(|at| (at.log, at.seq)).collect();
        let names = self.replica.user_names();
        let mut edits: BTreeMap<String, u64> = BTreeMap::new();
        for end in ends {
            let lacking = end.seq.saturating_sub(held.get(&end.log).copied().unwrap_or(0));
            let name = self.authors.of_log(&end.log).and_then(|user| names.get(&user)).cloned();
            let count = edits.entry(name.filter(|name| !name.is_empty()).unwrap_or_default()).or_default();
            *count = count.saturating_add(lacking);
        }
        lacking_words(&edits)
    }

    /// The keepers that hold all entries of ours.
    fn kept_by(&self) -> Vec<(EndpointId, String)> {
        let named = self.names_of_devices();
        let keepers = self.replica.device_statuses().into_iter();
        let keepers = keepers.filter(|status| status.class == Class::Keeper && status.has_all_mine);
        let name_of = |device: DeviceId| {
            let name = named.get(&device).map(|(_, name)| name.clone());
            name.filter(|name| !name.is_empty()).unwrap_or_else(|| device.to_string())
        };
        let members = self.replica.membership();
        keepers
            .filter_map(|status| {
                let endpoint = members?.device(&status.device)?.endpoint;
                Some((endpoint, name_of(status.device)))
            })
            .collect()
    }

    /// The other devices of the workspace.
    pub(crate) fn peer_statuses(&self) -> Vec<PeerStatus> {
        let own = self.replica.device();
        let named = self.names_of_devices();
        let behind = self.replica.sync_status().behind;
        let statuses = self.replica.device_statuses().into_iter();
        let others = statuses.filter(|status| status.device != own && status.class != Class::Keeper);
        others
            .map(|status| {
                let label = named.get(&status.device);
                PeerStatus {
                    user: status.user.to_string(),
                    user_name: label.map(|(name, _)| name.clone()).filter(|name| !name.is_empty()),
                    device: status.device.to_string(),
                    device_name: label.map(|(_, name)| name.clone()).filter(|name| !name.is_empty()),
                    connected: status.connected,
                    path: None,
                    has_all_mine: status.has_all_mine,
                    missing: status.missing,
                    behind: if status.connected { behind } else { 0 },
                    last_contact: None,
                    conduct: conduct(status.conduct),
                }
            })
            .collect()
    }

    fn names_of_devices(&self) -> BTreeMap<DeviceId, (String, String)> {
        let devices = self.replica.named_devices().into_iter();
        devices.map(|device| (device.device, (device.label.name, device.label.device))).collect()
    }

    /// The people of the workspace.
    pub(crate) fn members(&self) -> MembersList {
        let own = (self.replica.user(), self.replica.device());
        let statuses: BTreeMap<DeviceId, _> =
            self.replica.device_statuses().into_iter().map(|status| (status.device, status)).collect();
        let mut members: BTreeMap<UserId, Member> = BTreeMap::new();
        for device in self.replica.named_devices() {
            let status = statuses.get(&device.device);
            let is_this = device.device == own.1;
            let member = members.entry(device.user).or_insert_with(|| Member {
                user: device.user.to_string(),
                name: Some(device.label.name.clone()).filter(|name| !name.is_empty()),
                role: role(device.class),
                is_me: device.user == own.0,
                devices: Vec::new(),
            });
            member.devices.push(MemberDevice {
                device: device.device.to_string(),
                name: Some(device.label.device.clone()).filter(|name| !name.is_empty()),
                is_this,
                last_contact: None,
                has_all_mine: is_this || status.is_some_and(|status| status.has_all_mine),
                missing: if is_this { 0 } else { status.map_or(0, |status| status.missing) },
            });
        }
        MembersList { members: members.into_values().collect() }
    }

    /// Runs something on a text.
    pub(super) fn with_text<T>(
        &self,
        document: DocumentId,
        task: impl FnOnce(&mut TextDocument) -> T,
    ) -> Result<T, LoadError> {
        let base = self.bases.get(&document).ok_or(LoadError::BaseMissing)?;
        let contents = self.contents.as_ref().ok_or(LoadError::BaseMissing)?;
        let mut documents = self.documents.borrow_mut();
        Ok(task(documents.load(document, base, contents, &self.replica)?))
    }

    /// The content of a shown file.
    pub(super) fn shown_file(&self, path: &str) -> Result<(NodeId, ContentValue), ApiError> {
        let shown = self.view.node_at(path).ok_or_else(|| no_file(path))?;
        match shown.content {
            Some(content) => Ok((shown.node, (*content).clone())),
            None => Err(ApiError::usage(format!("{path} is a folder")).hint("name a file")),
        }
    }

    /// The text of a file, now or as it was.
    pub(crate) fn cat(&self, path: &str, at: Option<&str>) -> Result<CatText, ApiError> {
        let (_, content) = self.shown_file(path)?;
        let document = match &content {
            ContentValue::Blob(blob) => {
                if at.is_some_and(|at| !is_name_of(&blob.content.to_string(), at)) {
                    return Err(unknown_version(path));
                }
                let contents = self.contents.as_ref().ok_or_else(no_key)?;
                let bytes = contents.load(blob).map_err(|error| {
                    ApiError::failed(format!("{path} cannot be read: {error}"))
                        .hint("`weft status` tells what is still missing")
                })?;
                return Ok(CatText { text: text_from(bytes, path)?, heads: Vec::new() });
            }
            ContentValue::Text { document, .. } => *document,
        };
        let Some(at) = at else {
            let read = self.with_text(document, |text| (text.text(), hex_heads(text.heads())));
            let (text, heads) = read.map_err(|error| not_readable(path, &error))?;
            return Ok(CatText { text, heads });
        };
        let version = self.find_version(document, path, at)?;
        let text = self.text_at(document, &version).map_err(|error| not_readable(path, &error))?;
        Ok(CatText { text, heads: hex_heads(&version) })
    }

    pub(super) fn text_at(&self, document: DocumentId, version: &Version) -> Result<String, LoadError> {
        let base = self.bases.get(&document).ok_or(LoadError::BaseMissing)?;
        let contents = self.contents.as_ref().ok_or(LoadError::BaseMissing)?;
        let documents = self.documents.borrow();
        Ok(documents.at(document, base, version, contents, &self.replica)?.text())
    }

    /// Finds the version that a person names by the beginning of a change's hash.
    pub(super) fn find_version(
        &self,
        document: DocumentId,
        path: &str,
        name: &str,
    ) -> Result<Version, ApiError> {
        let mut found = self
            .with_text(document, |text| {
                let hashes = text.changes().iter().copied();
                hashes.filter(|hash| is_name_of(&hash.to_string(), name)).collect::<Vec<_>>()
            })
            .map_err(|error| not_readable(path, &error))?;
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [one] => Ok(Version::new([*one])),
            [] => Err(unknown_version(path)),
            _ => Err(ApiError::usage(format!("{name} names several versions of {path}"))
                .hint("give more letters; `weft history` shows them")),
        }
    }

    /// Edits a file through its document; a file that does not exist is made.
    pub(crate) fn edit(&mut self, path: &str, action: &EditAction) -> Result<(WriteId, Edited), ApiError> {
        self.edit_for(path, action, &DataOrigin::Human)
    }

    /// The same, with what it is made for.
    pub(super) fn edit_for(
        &mut self,
        path: &str,
        action: &EditAction,
        origin: &DataOrigin,
    ) -> Result<(WriteId, Edited), ApiError> {
        self.check_may_write()?;
        if let EditAction::Replace { text } = action
            && self.view.node_at(path).is_none()
        {
            return self.create(path, text, origin);
        }
        let (_, content) = self.shown_file(path)?;
        let mut made = Vec::new();
        let (document, seen) = match &content {
            ContentValue::Text { document, .. } => (*document, None),
            ContentValue::Blob(blob) => self.text_of_blob(path, blob, &mut made)?,
        };
        let author = Author::Session(self.own_actor());
        let seconds = self.seconds();
        let action = action.clone();
        let edited = self.with_text(document, |text| {
            let rope = seen.as_ref().map_or(text.rope(), PastText::rope);
            check_place(&action, rope.len_chars())?;
            let edits = match &action {
                EditAction::Insert { at, text: insert } => vec![edit_of(*at, 0, insert)],
                EditAction::Delete { at, length } => vec![edit_of(*at, *length, "")],
                EditAction::Replace { text: new } => TextDocument::minimal_edits(&rope.to_string(), new),
            };
            let edited = match &seen {
                Some(seen) => text.edit_at(seen, author, &edits, seconds),
                None => text.edit(author, &edits, seconds),
            };
            let edited =
                edited.map_err(|error| ApiError::failed(format!("the edit is not possible: {error}")))?;
            Ok::<_, ApiError>((edited, hex_heads(text.heads())))
        });
        let edited = edited.map_err(|error| not_readable(path, &error)).and_then(|edited| edited);
        let (edited, heads) = match edited {
            Ok(edited) => edited,
            Err(error) => {
                // The tree says already that the file is a text: others have to hear of it.
                if !made.is_empty() {
                    self.write(origin.clone(), made, None);
                }
                return Err(error);
            }
        };
        if !edited.changes.is_empty() {
            self.note_document(document);
        }
        push_parts(&mut made, document, edited.changes);
        let write = self.write(origin.clone(), made, None);
        let mut dirty = Dirty::default();
        dirty.texts.insert(document, Vec::new());
        if !edited.patches.is_empty() {
            let patches = edited.patches;
            self.event(EngineEvent::TextChanged { document, patches, user: None });
        }
        self.settle(dirty);
        Ok((write, Edited { heads }))
    }

    /// Makes a file that nobody has edited a text: its document, and the text as it was shown.
    fn text_of_blob(
        &mut self,
        path: &str,
        blob: &BlobRef,
        made: &mut Vec<(DocumentId, weft_crdt::Change, bool)>,
    ) -> Result<(DocumentId, Option<PastText>), ApiError> {
        let contents = self.contents.as_ref().ok_or_else(no_key)?;
        let bytes = contents.load(blob).map_err(|error| {
            ApiError::failed(format!("{path} cannot be read: {error}"))
                .hint("`weft status` tells what is still missing")
        })?;
        if !is_text(&bytes) || bytes.len() as u64 > super::disk::TEXT_BYTES_MAX {
            return Err(ApiError::usage(format!("{path} is no text that can be edited together"))
                .hint("change it with its own program; the whole file is shared"));
        }
        let text = text_from(bytes, path)?;
        let document = self.convert(path, made)?;
        // Edits of others may have waited for this: what is edited is the text that was shown.
        let seen = TextDocument::new(document, &text).ok().map(|text| text.keep());
        Ok((document, seen))
    }

    /// The document of a file, its text, and the write that made it a document, if one was needed.
    pub(crate) fn open_text(
        &mut self,
        path: &str,
    ) -> Result<(DocumentId, String, Option<WriteId>), ApiError> {
        let (_, content) = self.shown_file(path)?;
        let (document, write) = match content.document() {
            Some(document) => (document, None),
            None => {
                let text = self.cat(path, None)?.text;
                if text.len() as u64 > super::disk::TEXT_BYTES_MAX || text.contains('\0') {
                    return Err(ApiError::usage(format!("{path} is no text that can be edited together"))
                        .hint("change it with its own program; the whole file is shared"));
                }
                let mut made = Vec::new();
                let document = self.convert(path, &mut made)?;
                (document, Some(self.write(DataOrigin::Human, made, None)))
            }
        };
        let text = self.with_text(document, |text| text.text());
        Ok((document, text.map_err(|error| not_readable(path, &error))?, write))
    }

    /// Makes edits of a text, each on the text after the ones before it; whether that changed it, which then
    /// is put out as one event.
    pub(crate) fn edit_text(
        &mut self,
        path: &str,
        edits: &[crate::api::ClientEdit],
    ) -> Result<(WriteId, bool), ApiError> {
        self.edit_text_of(path, edits, DataOrigin::Human)
    }

    /// The same, with what it was made for.
    pub(super) fn edit_text_of(
        &mut self,
        path: &str,
        edits: &[crate::api::ClientEdit],
        origin: DataOrigin,
    ) -> Result<(WriteId, bool), ApiError> {
        self.check_may_write()?;
        let (_, content) = self.shown_file(path)?;
        let document = content.document().ok_or_else(|| no_file(path))?;
        let edits: Vec<Edit> = edits.iter().map(|e| edit_of(e.at, e.delete, &e.insert)).collect();
        let (author, seconds) = (Author::Session(self.own_actor()), self.seconds());
        let edited = self.with_text(document, |text| text.edit(author, &edits, seconds));
        let edited = edited.map_err(|error| not_readable(path, &error))?.map_err(|error| {
            ApiError::usage(error.to_string()).hint("places count Unicode characters from 0")
        })?;
        if !edited.changes.is_empty() {
            self.note_document(document);
        }
        let mut made = Vec::new();
        push_parts(&mut made, document, edited.changes);
        let write = self.write(origin, made, None);
        let mut dirty = Dirty::default();
        let has_changed = !edited.patches.is_empty();
        dirty.texts.insert(document, edited.patches);
        self.settle(dirty);
        Ok((write, has_changed))
    }

    /// Whether a write is durable; an error when it was refused.
    pub(crate) fn write_state(&self, write: WriteId) -> Result<bool, String> {
        let write = self.restated.get(&write).copied().unwrap_or(write);
        match self.refused.get(&write) {
            Some(reason) => Err(reason.clone()),
            None => Ok(!self.writes.contains_key(&write)),
        }
    }

    /// Why nothing can be done any more, if so.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.clone()
    }

    /// Why the folder is left alone, if so.
    pub(crate) fn hold(&self) -> Option<HoldReason> {
        self.show.hold.clone()
    }

    /// Puts something out.
    pub(crate) fn put(&mut self, output: super::engine::Output) {
        self.out.push(output);
    }

    /// All devices with their names.
    pub(crate) fn named_devices(&self) -> Vec<super::people::NamedDevice> {
        self.replica.named_devices()
    }

    /// Changes that were refused for good, by the names of those who sent them.
    pub(crate) fn quarantined(&self) -> BTreeMap<String, usize> {
        let space = weft_store::Space::workspace(self.ws, weft_store::Table::Quarantine);
        let names = self.replica.user_names();
        let mut counts = BTreeMap::new();
        for (_, record) in self.store.records(space, &[]).unwrap_or_default() {
            let Some((log, rest)) = record.split_first_chunk() else { continue };
            let count = rest.first_chunk().map_or(1, |count| u32::from_le_bytes(*count));
            let user = self.authors.of_log(&LogId::from_bytes(*log));
            let name = user.and_then(|user| names.get(&user)).cloned().unwrap_or_default();
            *counts.entry(name).or_default() += count as usize;
        }
        counts
    }

    /// Makes a file's blob a text document.
    pub(super) fn convert(
        &mut self,
        path: &str,
        made: &mut Vec<(DocumentId, weft_crdt::Change, bool)>,
    ) -> Result<DocumentId, ApiError> {
        let facts = self.facts();
        let mut planner = Planner::new(&self.view, &facts, self.ws.as_bytes());
        let document = planner.convert(path).map_err(|error| plan_error(&error))?;
        let edits = planner.finish();
        self.edit_tree(&edits, made)?;
        Ok(document)
    }

    /// Writes registers of the tree and shows what that does.
    pub(super) fn edit_tree(
        &mut self,
        edits: &[weft_crdt::RegisterEdit],
        made: &mut Vec<(DocumentId, weft_crdt::Change, bool)>,
    ) -> Result<Dirty, ApiError> {
        let edited = self
            .tree
            .edit(Author::ContentNamed, edits, self.seconds())
            .map_err(|error| ApiError::failed(format!("the folder cannot be changed: {error}")))?;
        self.note_own(&edited.changes);
        push_parts(made, self.tree.id(), edited.changes);
        let mut dirty = Dirty::default();
        dirty.keys.extend(edited.changed_keys);
        let begun = self.take_bases(&dirty.keys);
        self.release_documents(begun, &mut dirty);
        self.refresh(&dirty);
        Ok(Dirty { texts: dirty.texts, ..Dirty::default() })
    }

    /// Brings an old text back as a new edit.
    pub(crate) fn restore(&mut self, path: &str, at: &str) -> Result<(WriteId, Restored), ApiError> {
        let (_, content) = self.shown_file(path)?;
        let Some(document) = content.document() else {
            // A file that nobody has edited has one version, which it is.
            self.cat(path, Some(at))?;
            return Err(ApiError::usage(format!("{path} is as it was then"))
                .hint("nothing is to be brought back")
                .data_state("nothing was changed"));
        };
        let version = self.find_version(document, path, at)?;
        let text = self.text_at(document, &version).map_err(|error| not_readable(path, &error))?;
        let (write, edited) = self.edit(path, &EditAction::Replace { text })?;
        let newest = edited.heads.first().cloned().unwrap_or_default();
        Ok((write, Restored { version: newest, heads: edited.heads }))
    }
}

/// Says in words that so many entries of these people are known and not here; the empty name is somebody unknown. Some
/// entries are no edits.
fn lacking_words(edits: &BTreeMap<String, u64>) -> Option<String> {
    let of = |(name, count): (&String, &u64)| {
        let edits = match *count {
            1 => "1 edit".to_owned(),
            2..=LACKING_COUNTED_MAX => format!("up to {count} edits"),
            _ => "very many edits".to_owned(),
        };
        if name.is_empty() { edits } else { format!("{edits} of {name}") }
    };
    let all: Vec<String> = edits.iter().filter(|(_, count)| **count > 0).map(of).collect();
    let list = all.join(", ");
    (!all.is_empty()).then(|| {
        format!("{list} not here, and on no device that is connected; they come when one that has them is")
    })
}

/// Whether a person means this version by that name: its beginning, in letters of either case.
fn is_name_of(version: &str, name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    name.len() >= 4 && version.starts_with(&name)
}

fn edit_of(at: u64, delete: u64, insert: &str) -> Edit {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Edit { at: CharIndex(number(at)), delete: number(delete), insert: insert.to_owned() }
}

fn check_place(action: &EditAction, length: usize) -> Result<(), ApiError> {
    let length = length as u64;
    let (at, end) = match action {
        EditAction::Insert { at, .. } => (*at, *at),
        EditAction::Delete { at, length } => (*at, at.saturating_add(*length)),
        EditAction::Replace { .. } => return Ok(()),
    };
    if end <= length {
        return Ok(());
    }
    Err(ApiError::usage(format!(
        "place {} lies behind the end of the text ({length} characters)",
        at.max(end)
    ))
    .hint("places count Unicode characters from 0")
    .data_state("nothing was changed"))
}

fn text_from(bytes: Vec<u8>, path: &str) -> Result<String, ApiError> {
    String::from_utf8(bytes)
        .map_err(|_| ApiError::usage(format!("{path} is no text")).hint("open it with its own program"))
}

pub(super) fn no_file(path: &str) -> ApiError {
    ApiError::not_found(format!("there is no {path} in the workspace"))
        .hint("`weft status` tells what is not shared; ignored and secret files never are")
}

pub(super) fn no_key() -> ApiError {
    ApiError::unreachable("the key of the workspace has not arrived yet")
        .hint("start `weft node` and wait until another member is connected")
}

pub(super) fn not_readable(path: &str, error: &LoadError) -> ApiError {
    ApiError::failed(format!("{path} cannot be read: {error}"))
        .hint("`weft status` tells what is still missing")
}

pub(super) fn unknown_version(path: &str) -> ApiError {
    ApiError::not_found(format!("{path} has no such version")).hint("`weft history` lists them")
}

pub(super) fn plan_error(error: &weft_crdt::tree::PlanError) -> ApiError {
    ApiError::usage(error.to_string()).hint(error.hint()).data_state("nothing was changed")
}

pub(super) fn hex_heads(heads: &Version) -> Vec<String> {
    heads.hashes().iter().map(ToString::to_string).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_to_be_lacking_is_told_by_person() {
        assert_eq!(lacking_words(&BTreeMap::new()), None);
        assert_eq!(lacking_words(&BTreeMap::from([("Ana".to_owned(), 0)])), None);
        let edits = BTreeMap::from([("Ana".to_owned(), 3), (String::new(), 1)]);
        assert_eq!(
            lacking_words(&edits).as_deref(),
            Some(
                "1 edit, up to 3 edits of Ana not here, and on no device that is connected; they come when one that \
                 has them is"
            )
        );
    }
}
