//! What can be asked of a node: one closed list of requests with their answers.
//!
//! The same [`Request`] goes to a node in this process or over the control socket (`crate::control`) to one in another:
//! both are a [`NodeApi`]. The types here are wire types: ids are lower-case hexadecimal strings, moments are
//! RFC 3339 strings, and the JSON field names are those that `weft … --json` prints, so they are stable. Fields that are
//! not known are ignored, fields that are missing take their default.
//!
//! Reading order:
//! - [`NodeApi`], [`CallContext`] and [`call`]: how to ask;
//! - `methods`: the list itself, [`Request`] and [`Response`];
//! - `workspace`, `files`, `search`, `people`, `devices`, `backups`, `void`, `running`, `documents`, `ai`, `providers`: the parameters and
//!   answers, by subject;
//! - `error`, `progress`, `event`: what else may come back;
//! - `options`: how a node is opened.

mod ai;
mod audit;
mod backups;
mod conversations;
mod devices;
mod documents;
mod error;
mod event;
mod files;
mod methods;
mod node_api;
mod options;
mod people;
mod progress;
mod providers;
mod replace;
mod role;
mod running;
mod search;
mod symbols;
mod void;
mod wall_time;
mod workspace;

pub use self::{
    ai::{
        AiAccept, AiAccepted, AiAnswer, AiChange, AiChat, AiCheck, AiCitation, AiComplete, AiDevice, AiEdit,
        AiEmbed, AiEmbedded, AiGenerate, AiHardware, AiHardwareReport, AiHunk, AiMessage, AiModel,
        AiModelChoose, AiModelDownload, AiModelGet, AiModelHolder, AiModelImport, AiModelList, AiModelOffer,
        AiModelOffers, AiModelRemove, AiModelRemoved, AiModelShare, AiModelVerified, AiModelVerify, AiModels,
        AiModelsOffered, AiModelsVerified, AiProposal, AiSampling, AiSeen, AiSelection, AiTemplate,
        AiTemplateKind, AiTemplateList, AiTemplates, Purpose,
    },
    audit::{Audit, AuditAction, AuditEntry, AuditRecord, AuditReport, AuditVerdict},
    backups::{
        BackedUp, Backup, BackupChecked, BackupPlace, BackupRestore, BackupRestored, BackupSecret,
        Passphrase, RestoredPlace,
    },
    conversations::{
        AiConversation, AiConversationGet, AiConversationHead, AiConversationKeep, AiConversationList,
        AiConversationRemove, AiConversations, AiTurn, AiTurnKind,
    },
    devices::{
        DeviceAccept, DeviceAcceptPreview, DeviceAcceptPreviewed, DeviceAccepted, DeviceLink, DeviceList,
        Keep, KeepVerified, KeepVerify, Kept, KeptWorkspace, OwnDevice, OwnDevices, Recovery, RecoveryCheck,
        RecoveryChecked, RecoveryKept, RecoveryPaperOnly, RecoveryRestore, RecoveryUnlock, RecoveryUnlocked,
        RecoveryWords, UserKeyPlace, Words, WorkspacePlace,
    },
    documents::{
        ClientEdit, CursorPosition, DocumentClose, DocumentClosed, DocumentCursor, DocumentEdit,
        DocumentEdited, DocumentOpen, DocumentOpened,
    },
    error::{ApiError, ErrorKind},
    event::{
        AiText, DocumentChanged, DocumentCursors, Event, EventSink, Presence, PresenceWatch, PresentDevice,
        RemoteCursor, SearchFound,
    },
    files::{
        Blame, BlameLine, BlameLines, Cat, CatText, Edit, EditAction, Edited, History, HistoryVersions, Log,
        LogChange, LogChanges, Origin, Restore, Restored, VersionSummary,
    },
    methods::{DecodeError, Method, Request, Response},
    node_api::{BoxFuture, CallContext, NodeApi, OwnNode, SessionId, call},
    options::{KeyChoice, NetworkOptions, NodeOptions, PassphrasePrompt, PeerAddress},
    people::{
        ChangeRole, Invitation, Invitations, InvitationsCancel, InvitationsConfirm, InvitationsList,
        InvitationsRefuse, Member, MemberDevice, Members, MembersList, Newcomer, Revoke, Revoked, Share,
        Shared,
    },
    progress::{Progress, ProgressSink, Stage},
    providers::{
        AiProvider, AiProviderAdd, AiProviderList, AiProviderRemove, AiProviderRemoved, AiProviderTest,
        AiProviderTested, AiProviders, ApiKey, ProviderKind,
    },
    replace::{
        FileReplaced, FileToReplace, FileVersion, LeftOut, LineToReplace, ReplaceApplied, ReplaceApply,
        ReplacePreview, ReplacePreviewed, ReplaceQuery,
    },
    role::Role,
    running::{
        Doctor, DoctorReport, Finding, NodeInfo, NodeInfoReport, NodeStop, NodeStopped, PeerPath, Peers,
        PeersList, Severity,
    },
    search::{IndexRebuild, IndexReport, IndexState, IndexStatus, Search, SearchHit, SearchHits, SearchKind},
    symbols::{Definition, NamePlaces, Outline, OutlineSymbol, OutlineSymbols, References},
    void::{Admit, Admitted, VoidExport, VoidExported},
    wall_time::WallTime,
    workspace::{
        BranchSwitch, Conduct, Digest, Digests, Existing, FolderWork, Init, Initialised, Join, JoinPreview,
        JoinPreviewed, Joined, Leave, Left, MirrorDecision, MirrorResume, MirrorResumed, PeerStatus,
        PendingPath, Policies, Policy, Status, Wait, Waited, WorkspaceState, WorkspaceStatus,
    },
};
