//! Where sealed records live.

use weft_sync::WorkspaceId;

/// What a table of records is for. The numbers are on disk and stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Table {
    /// Choices of the person.
    Setting = 1,
    /// Secrets of this device and, where it lives here, the user key.
    Identity = 2,
    /// Names and facts about a workspace: its folder, its label, its state.
    Workspace = 3,
    /// Epoch keys by epoch id, and the content secret.
    EpochKey = 4,
    /// Edits that wait for their entry.
    Draft = 5,
    /// Snapshots of documents, by document id.
    Snapshot = 6,
    /// What the folder mirror knows of the files on disk; its keys may be paths.
    Mirror = 7,
    /// Open invitations and newcomers who wait.
    Invitation = 8,
    /// Last good addresses of other devices; its keys may be names.
    Peer = 9,
    /// Changes that wait for something that is not here, by what is missing.
    Waiting = 10,
    /// Changes that failed with everything present.
    Quarantine = 11,
    /// Control-lane entries that wait for their parents.
    Pending = 12,
    /// Facts derived from entries that are costly to derive again.
    Derived = 13,
}

impl Table {
    const ALL: [Self; 13] = [
        Self::Setting,
        Self::Identity,
        Self::Workspace,
        Self::EpochKey,
        Self::Draft,
        Self::Snapshot,
        Self::Mirror,
        Self::Invitation,
        Self::Peer,
        Self::Waiting,
        Self::Quarantine,
        Self::Pending,
        Self::Derived,
    ];

    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.number() == number)
    }

    /// Whether keys of this table are sealed too.
    ///
    /// Keys of the other tables lie readable in the database, so that a prefix can be looked
    /// up; they hold ids, never names or paths. A prefix of a table with sealed keys costs a
    /// walk through the whole table.
    #[must_use]
    pub const fn seals_keys(self) -> bool {
        matches!(self, Self::Mirror | Self::Peer | Self::Setting)
    }
}

/// One table of one workspace, or of this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space {
    workspace: Option<WorkspaceId>,
    table: Table,
}

impl Space {
    /// A table of this device, outside every workspace.
    #[must_use]
    pub const fn device(table: Table) -> Self {
        Self { workspace: None, table }
    }

    /// A table of one workspace; it goes when the workspace is dropped.
    #[must_use]
    pub const fn workspace(workspace: WorkspaceId, table: Table) -> Self {
        Self { workspace: Some(workspace), table }
    }

    /// The workspace, when it belongs to one.
    #[must_use]
    pub const fn workspace_id(&self) -> Option<WorkspaceId> {
        self.workspace
    }

    /// What the records are for.
    #[must_use]
    pub const fn table(&self) -> Table {
        self.table
    }
}
