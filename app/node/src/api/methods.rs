//! The list of methods: one line each, from which [`Request`], [`Response`] and their codec follow.

use serde_json::Value;

use super::{
    ai::{
        AiAccept, AiAccepted, AiAnswer, AiChange, AiChat, AiComplete, AiEdit, AiEmbed, AiEmbedded,
        AiGenerate, AiHardware, AiHardwareReport, AiModel, AiModelChoose, AiModelDownload, AiModelGet,
        AiModelImport, AiModelList, AiModelOffers, AiModelRemove, AiModelRemoved, AiModelShare,
        AiModelVerify, AiModels, AiModelsOffered, AiModelsVerified, AiProposal, AiTemplateList, AiTemplates,
    },
    audit::{Audit, AuditReport},
    backups::{BackedUp, Backup},
    conversations::{
        AiConversation, AiConversationGet, AiConversationHead, AiConversationKeep, AiConversationList,
        AiConversationRemove, AiConversations,
    },
    devices::{
        DeviceAccept, DeviceAcceptPreview, DeviceAcceptPreviewed, DeviceAccepted, DeviceLink, DeviceList,
        Keep, KeepVerified, KeepVerify, Kept, OwnDevices, Recovery, RecoveryCheck, RecoveryChecked,
        RecoveryKept, RecoveryPaperOnly, RecoveryRestore, RecoveryWords,
    },
    documents::{
        DocumentClose, DocumentClosed, DocumentCursor, DocumentEdit, DocumentEdited, DocumentOpen,
        DocumentOpened,
    },
    event::{Presence, PresenceWatch},
    files::{
        Blame, BlameLines, Cat, CatText, Edit, Edited, History, HistoryVersions, Log, LogChanges, Restore,
        Restored,
    },
    people::{
        ChangeRole, Invitations, InvitationsCancel, InvitationsConfirm, InvitationsList, InvitationsRefuse,
        Members, MembersList, Revoke, Revoked, Share, Shared,
    },
    providers::{
        AiProvider, AiProviderAdd, AiProviderList, AiProviderRemove, AiProviderRemoved, AiProviderTest,
        AiProviderTested, AiProviders,
    },
    replace::{ReplaceApplied, ReplaceApply, ReplacePreview, ReplacePreviewed},
    running::{Doctor, DoctorReport, NodeInfo, NodeInfoReport, NodeStop, NodeStopped, Peers, PeersList},
    search::{IndexRebuild, IndexReport, IndexStatus, Search, SearchHits},
    symbols::{Definition, NamePlaces, Outline, OutlineSymbols, References},
    void::{Admit, Admitted, VoidExport, VoidExported},
    workspace::{
        Digest, Digests, Init, Initialised, Join, JoinPreview, JoinPreviewed, Joined, Leave, Left,
        MirrorResume, MirrorResumed, Policies, Policy, Status, Wait, Waited, WorkspaceStatus,
    },
};

/// One kind of request with the type of its answer.
pub trait Method: Sized + Send {
    /// The name on the wire.
    const NAME: &'static str;
    /// What comes back when it went well.
    type Response;

    /// Wraps the parameters.
    fn into_request(self) -> Request;
    /// Takes the answer out of the enum; `None` when it is the answer to another method.
    fn from_response(response: Response) -> Option<Self::Response>;
}

/// Why a message is not a request or an answer of this list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No method has this name.
    #[error("there is no method {name:?}")]
    UnknownMethod {
        /// The name that was asked for.
        name: String,
    },
    /// The parameters or the result do not have the shape of this method.
    #[error("the values for {method} do not fit")]
    Shape {
        /// The method.
        method: &'static str,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
}

macro_rules! methods {
    ($( $(#[$doc:meta])* $name:literal $variant:ident -> $response:ty; )*) => {
        /// Everything a node can be asked.
        #[derive(Debug, Clone)]
        pub enum Request {
            $( $(#[$doc])* $variant($variant), )*
        }

        /// The answer to each request, under the same name.
        #[derive(Debug, Clone)]
        pub enum Response {
            $( $(#[$doc])* $variant($response), )*
        }

        impl Request {
            /// Every method's name, in the order of this list.
            pub const METHODS: &'static [&'static str] = &[$($name),*];

            /// The name on the wire.
            #[must_use]
            pub fn method(&self) -> &'static str {
                match self { $( Self::$variant(_) => $name, )* }
            }

            /// Gives the parameters as JSON.
            ///
            /// # Errors
            /// When a path in them is not Unicode.
            pub fn params(&self) -> Result<Value, serde_json::Error> {
                match self { $( Self::$variant(params) => serde_json::to_value(params), )* }
            }

            /// Reads a request; missing parameters count as an empty object.
            ///
            /// # Errors
            /// When the method is unknown or the parameters do not fit.
            pub fn decode(method: &str, params: Value) -> Result<Self, DecodeError> {
                let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
                match method {
                    $( $name => serde_json::from_value(params)
                        .map(Self::$variant)
                        .map_err(|source| DecodeError::Shape { method: $name, source }), )*
                    _ => Err(DecodeError::UnknownMethod { name: method.to_owned() }),
                }
            }
        }

        impl Response {
            /// The name of the method this answers.
            #[must_use]
            pub fn method(&self) -> &'static str {
                match self { $( Self::$variant(_) => $name, )* }
            }

            /// Gives the answer as JSON, with the field names of the command line.
            ///
            /// # Errors
            /// When a path in it is not Unicode.
            pub fn to_value(&self) -> Result<Value, serde_json::Error> {
                match self { $( Self::$variant(result) => serde_json::to_value(result), )* }
            }

            /// Reads the answer to `method`.
            ///
            /// # Errors
            /// When the method is unknown or the result does not fit.
            pub fn decode(method: &str, result: Value) -> Result<Self, DecodeError> {
                match method {
                    $( $name => serde_json::from_value(result)
                        .map(Self::$variant)
                        .map_err(|source| DecodeError::Shape { method: $name, source }), )*
                    _ => Err(DecodeError::UnknownMethod { name: method.to_owned() }),
                }
            }
        }

        $(
            impl Method for $variant {
                const NAME: &'static str = $name;
                type Response = $response;

                fn into_request(self) -> Request {
                    Request::$variant(self)
                }

                fn from_response(response: Response) -> Option<Self::Response> {
                    match response {
                        Response::$variant(result) => Some(result),
                        _ => None,
                    }
                }
            }
        )*
    };
}

methods! {
    /// Makes a folder a workspace and imports it.
    "init" Init -> Initialised;
    /// Makes an invitation.
    "share" Share -> Shared;
    /// Lists open invitations and who waits for confirmation.
    "invitations.list" InvitationsList -> Invitations;
    /// Lets a waiting newcomer in.
    "invitations.confirm" InvitationsConfirm -> Invitations;
    /// Sends a waiting newcomer away.
    "invitations.refuse" InvitationsRefuse -> Invitations;
    /// Makes an invitation useless.
    "invitations.cancel" InvitationsCancel -> Invitations;
    /// Says what joining would do to a folder, and writes nothing into it.
    "join.preview" JoinPreview -> JoinPreviewed;
    /// Joins a workspace and returns when all files are on disk.
    "join" Join -> Joined;
    /// Stops sharing a folder; the files stay.
    "leave" Leave -> Left;
    /// Says who has what.
    "status" Status -> WorkspaceStatus;
    /// Returns when everybody connected has everything.
    "wait" Wait -> Waited;
    /// Gives hashes that are equal on converged nodes.
    "digest" Digest -> Digests;
    /// Changes a file through its document.
    "edit" Edit -> Edited;
    /// Gives the text of a document, now or at a version.
    "cat" Cat -> CatText;
    /// Lists the moments of a file, newest first.
    "history" History -> HistoryVersions;
    /// Says who wrote each line.
    "blame" Blame -> BlameLines;
    /// Brings an old text back as a new edit.
    "restore" Restore -> Restored;
    /// Lists what changed in a workspace, newest first.
    "log" Log -> LogChanges;
    /// Looks through the workspace.
    "search" Search -> SearchHits;
    /// Says what replacing in many files would change.
    "replace.preview" ReplacePreview -> ReplacePreviewed;
    /// Makes the changes that were shown.
    "replace.apply" ReplaceApply -> ReplaceApplied;
    /// Lists what a file defines.
    "symbols.outline" Outline -> OutlineSymbols;
    /// Finds where the name at a place is defined.
    "symbols.definition" Definition -> NamePlaces;
    /// Finds where the name at a place is used.
    "symbols.references" References -> NamePlaces;
    /// Says how far the index is.
    "index.status" IndexStatus -> IndexReport;
    /// Builds the index anew.
    "index.rebuild" IndexRebuild -> IndexReport;
    /// Lists the devices this node talks to.
    "peers" Peers -> PeersList;
    /// Lists the people of a workspace with their devices.
    "members" Members -> MembersList;
    /// Gives a member another role.
    "role" ChangeRole -> MembersList;
    /// Puts a person, or a device of one's own, out.
    "revoke" Revoke -> Revoked;
    /// Lists who did what to the membership.
    "audit" Audit -> AuditReport;
    /// Writes out what somebody's work that does not count comes to.
    "void.export" VoidExport -> VoidExported;
    /// Lets somebody's work count that does not.
    "void.admit" Admit -> Admitted;
    /// Makes a ticket that links another device to this person.
    "device.link" DeviceLink -> Shared;
    /// Says what a ticket would link this device to.
    "device.accept.preview" DeviceAcceptPreview -> DeviceAcceptPreviewed;
    /// Links this device to the person who wrote a ticket.
    "device.accept" DeviceAccept -> DeviceAccepted;
    /// Lists the devices of this person.
    "device.list" DeviceList -> OwnDevices;
    /// Gives the 24 words that this person's key is.
    "device.recovery" Recovery -> RecoveryWords;
    /// Checks that somebody has the words.
    "device.recovery.check" RecoveryCheck -> RecoveryChecked;
    /// Takes the person's key off this device.
    "device.recovery.paper_only" RecoveryPaperOnly -> RecoveryKept;
    /// Brings everything back with the words.
    "device.recovery.restore" RecoveryRestore -> DeviceAccepted;
    /// Begins to keep a workspace that this device cannot read.
    "keep" Keep -> Kept;
    /// Checks every chain, signature and hash of what this device holds.
    "keep.verify" KeepVerify -> KeepVerified;
    /// Writes everything that this device holds into one file.
    "backup" Backup -> BackedUp;
    /// Decides what a vanished folder means.
    "mirror.resume" MirrorResume -> MirrorResumed;
    /// Tells and sets what holds for everybody in a workspace.
    "policy" Policy -> Policies;
    /// Checks the health of this device.
    "doctor" Doctor -> DoctorReport;
    /// Describes the running node.
    "node.info" NodeInfo -> NodeInfoReport;
    /// Ends the running node. The control server answers this itself.
    "node.stop" NodeStop -> NodeStopped;
    /// Opens a file for live editing by the asking program.
    "document.open" DocumentOpen -> DocumentOpened;
    /// Edits an open document.
    "document.edit" DocumentEdit -> DocumentEdited;
    /// Tells the others where the cursor is.
    "document.cursor" DocumentCursor -> DocumentClosed;
    /// Ends live editing of a document.
    "document.close" DocumentClose -> DocumentClosed;
    /// Lists the language models on this device.
    "ai.models" AiModels -> AiModelList;
    /// Takes a model file into the collection.
    "ai.models.import" AiModelImport -> AiModel;
    /// Downloads a model.
    "ai.models.download" AiModelDownload -> AiModel;
    /// Computes the checksums of the model files again.
    "ai.models.verify" AiModelVerify -> AiModelsVerified;
    /// Deletes a model.
    "ai.models.remove" AiModelRemove -> AiModelRemoved;
    /// Asks for one model when none is named.
    "ai.models.choose" AiModelChoose -> AiModelList;
    /// Lets the members of a workspace fetch a model from this device, or no more.
    "ai.models.share" AiModelShare -> AiModel;
    /// Lists the models that the others share.
    "ai.models.offers" AiModelOffers -> AiModelsOffered;
    /// Fetches a model from whoever shares it.
    "ai.models.get" AiModelGet -> AiModel;
    /// Lists the servers that may be asked for text.
    "ai.providers" AiProviders -> AiProviderList;
    /// Makes a server known, or another one under its name.
    "ai.providers.add" AiProviderAdd -> AiProvider;
    /// Forgets a server and its key.
    "ai.providers.remove" AiProviderRemove -> AiProviderRemoved;
    /// Asks a server for a word.
    "ai.providers.test" AiProviderTest -> AiProviderTested;
    /// Says what this device computes models with.
    "ai.hardware" AiHardware -> AiHardwareReport;
    /// Asks a model for text.
    "ai.generate" AiGenerate -> AiAnswer;
    /// Completes a file at a place.
    "ai.complete" AiComplete -> AiAnswer;
    /// Asks about a workspace.
    "ai.chat" AiChat -> AiAnswer;
    /// Asks for vectors.
    "ai.embed" AiEmbed -> AiEmbedded;
    /// Asks for a change of some lines.
    "ai.edit" AiEdit -> AiProposal;
    /// Asks for a change of several files.
    "ai.change" AiChange -> AiProposal;
    /// Lists the templates that say what is wanted.
    "ai.templates" AiTemplates -> AiTemplateList;
    /// Lists the conversations about a workspace.
    "ai.conversations" AiConversations -> AiConversationList;
    /// Gives a conversation.
    "ai.conversations.get" AiConversationGet -> AiConversation;
    /// Keeps a conversation.
    "ai.conversations.keep" AiConversationKeep -> AiConversationHead;
    /// Forgets a conversation.
    "ai.conversations.remove" AiConversationRemove -> AiConversationList;
    /// Answers a proposal.
    "ai.accept" AiAccept -> AiAccepted;
    /// Says who is here, now and whenever it changes.
    "presence.watch" PresenceWatch -> Presence;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_stands_in_the_documentation_and_the_other_way_round() {
        let page = include_str!("../../../../docs/control-api.md");
        let table =
            page.split("## Methods").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
        let names = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let mut documented: Vec<&str> =
            names.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`')).collect();
        let mut known = Request::METHODS.to_vec();
        documented.sort_unstable();
        known.sort_unstable();
        assert_eq!(documented, known);
    }

    #[test]
    fn a_request_survives_the_wire_and_missing_parameters_take_their_default() {
        let params =
            serde_json::json!({ "folder": "/f", "role": "viewer", "expires_seconds": 60, "uses": 1 });
        let request = Request::decode("share", params).expect("a request");
        let Request::Share(share) = &request else { panic!("another request: {request:?}") };
        assert!(!share.confirm);
        let again = Request::decode(request.method(), request.params().expect("JSON")).expect("a request");
        assert_eq!(format!("{again:?}"), format!("{request:?}"));
        assert!(Request::decode("peers", Value::Null).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_told_apart_from_what_does_not_exist() {
        let unknown = Request::decode("dance", Value::Null);
        assert!(matches!(unknown, Err(DecodeError::UnknownMethod { .. })));
        let misfit = Request::decode("digest", Value::Null);
        assert!(matches!(misfit, Err(DecodeError::Shape { method: "digest", .. })));
    }
}
