//! What can be typed, with the help texts.

mod ai;
mod parse;
mod search;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use weft_node::api::{BranchSwitch, Existing, PeerAddress, Role};

use self::parse::{parse_count, parse_listen, parse_peer, parse_role};
pub(crate) use self::{
    ai::{
        AiAction, AiArguments, AiEditArguments, ChangeArguments, ChatArguments, CompleteArguments, Lines,
        LocalOnlyArguments, ModelsAction, ProviderAddArguments, ProvidersAction, ServeArguments,
    },
    parse::parse_duration,
    search::{IndexAction, IndexArguments, ReplaceArguments, SearchArguments},
};

const ABOUT: &str = "Edit one folder together, without a server";

const EXAMPLES: &str = "\
Examples:
  weft                              open the window
  weft open ~/notes                 open the window on a folder
  weft init ~/notes                 make a folder a workspace
  weft share ~/notes                print a ticket and wait for whoever comes with it
  weft join TICKET ~/notes          join on another machine
  weft node --detach                keep sending and receiving in the background
  weft status                       who has what

Environment:
  WEFT_HOME   data folder: keys, store and log (one node each)
  WEFT_KEY    where the key of the store lies: keyring, file or passphrase-fd:N
  WEFT_LOG    what goes into node.log, for example debug or weft_net=trace
  NO_COLOR    no colours

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 not reachable or timed out,
  6 something would be sent to a server for the first time: --yes";

/// Everything on the command line.
#[derive(Debug, Parser)]
#[command(name = "weft", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Arguments {
    /// Print one JSON object, or one per line, with stable field names.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open the window on a folder.
    Open(FolderArgument),
    /// Make a folder a workspace and import it.
    Init(InitArguments),
    /// Print an invitation ticket and wait for whoever comes with it.
    Share(ShareArguments),
    /// List open invitations, and confirm or refuse who waits.
    Invitations(InvitationsArguments),
    /// Join a workspace with a ticket; never overwrites.
    Join(JoinArguments),
    /// Stop sharing a folder; the files stay.
    Leave(FolderArgument),
    /// Run this device's node: send, receive, and mirror the folders.
    Node(NodeArguments),
    /// Say who has what.
    Status(FolderArgument),
    /// Return when every connected device has my edits and I have theirs.
    Wait(WaitArguments),
    /// Print hashes that are equal on converged devices.
    Digest(FolderArgument),
    /// Edit a file through its document.
    Edit(EditArguments),
    /// Print a file's text, now or at a version.
    Cat(CatArguments),
    /// List the moments of a file, newest first.
    History(HistoryArguments),
    /// Say who wrote each line.
    Blame(FileArgument),
    /// Bring an old text back as a new edit.
    Restore(RestoreArguments),
    /// List what changed in a workspace, newest first.
    Log(LogArguments),
    /// Look through the texts of a workspace.
    Search(SearchArguments),
    /// Replace in the texts of a workspace; shows first what would change.
    Replace(ReplaceArguments),
    /// Say how far the index is that searches use, or build it anew.
    Index(IndexArguments),
    /// List the devices this node talks to.
    Peers,
    /// List the people of a workspace with their devices.
    Members(FolderArgument),
    /// Give a member another role.
    Role(RoleArguments),
    /// Put a person, or a device of yours, out of a workspace.
    Revoke(RevokeArguments),
    /// Say who did what to the membership, as signed and chained records.
    Audit(AuditArguments),
    /// Link another device of yours, and list yours.
    Device(DeviceArguments),
    /// Keep what others share without being able to read it, and check what is kept.
    Keep(KeepArguments),
    /// Write out work that does not count, because whoever did it was put out.
    ExportVoid(ExportVoidArguments),
    /// As an admin: let work of somebody count who was put out.
    Admit(AdmitArguments),
    /// Write everything that this device holds into one sealed file, or bring it back from one.
    Backup(BackupArguments),
    /// Decide what a vanished folder, or another branch, means.
    Mirror(MirrorArguments),
    /// Show, and as an admin set, what holds for everybody in a workspace.
    Policy(PolicyArguments),
    /// Language models on this device: complete, ask, change, serve.
    Ai(AiArguments),
    /// Runs a model for the node; not for people.
    #[command(hide = true)]
    Worker,
    /// Reads one document for the node; not for people.
    #[command(hide = true)]
    ReadDocument,
    /// Check the health of this device, with a cure for each finding.
    Doctor,
    /// Show the program's own log.
    Diagnostics(DiagnosticsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct FolderArgument {
    /// A folder in the workspace; default: the current folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct FileArgument {
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft init
  weft init ~/notes --name \"Our notes\"

Files that .gitignore or .weftignore names are left out, as are .git, secrets such as .env, and symbolic links.")]
pub(crate) struct InitArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// The name others see; default: the folder's.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft share                            one person, as editor, within a day
  weft share --role viewer --uses 5 --expires 7d
  weft share --yes --json               for scripts: the first line is the ticket

A ticket is a secret: whoever has it can ask to join. Without a running node this command stays and serves as one
until Ctrl-C.")]
pub(crate) struct ShareArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// What the newcomer may do: admin, editor, viewer or keeper.
    #[arg(long, default_value = "editor", value_parser = parse_role)]
    pub(crate) role: Role,
    /// How long the ticket works, at most 7d.
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) expires: Duration,
    /// How many may use it.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) uses: u32,
    /// Let whoever comes with it in, without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft invitations
  weft invitations --confirm 3f2a

ID is what the list shows, or its beginning: of an invitation, or of the person who waits.")]
pub(crate) struct InvitationsArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// Let this newcomer in.
    #[arg(long, value_name = "ID", group = "decision")]
    pub(crate) confirm: Option<String>,
    /// Send this newcomer away.
    #[arg(long, value_name = "ID", group = "decision")]
    pub(crate) refuse: Option<String>,
    /// Make this invitation useless.
    #[arg(long, value_name = "ID", group = "decision")]
    pub(crate) cancel: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft join TICKET                      into a new folder named like the workspace
  weft join TICKET ~/notes --preview    only say what would happen
  pbpaste | weft join - ~/notes --yes   the ticket stays out of the shell's history

It returns when all files are on disk. Ctrl-C is fine: the same command goes on where it stopped.")]
pub(crate) struct JoinArguments {
    /// The ticket, or - to read it from standard input.
    #[arg(value_name = "TICKET|-")]
    pub(crate) ticket: String,
    /// Where the files go; default: a new folder named like the workspace.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Only say what would happen, and write no file.
    #[arg(long)]
    pub(crate) preview: bool,
    /// What becomes of files here that differ.
    #[arg(long, value_enum, default_value_t = ExistingArgument::KeepBoth, value_name = "CHOICE")]
    pub(crate) existing: ExistingArgument,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Give up after this time without an answer.
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// Go on as the node when everything is here.
    #[arg(long)]
    pub(crate) stay: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
}

/// What becomes of local files that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExistingArgument {
    /// Theirs gets the name, mine stays beside it as a copy.
    KeepBoth,
    /// Theirs gets the name, mine stays in its history; what is no text stays beside it as a copy.
    Theirs,
    /// Mine becomes an edit of theirs.
    Mine,
}

impl From<ExistingArgument> for Existing {
    fn from(argument: ExistingArgument) -> Self {
        match argument {
            ExistingArgument::KeepBoth => Self::KeepBoth,
            ExistingArgument::Theirs => Self::Theirs,
            ExistingArgument::Mine => Self::Mine,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft node                             in the foreground, until Ctrl-C
  weft node --detach                    in the background; the log is node.log in WEFT_HOME
  weft node --listen 0.0.0.0:4433 --peer 192.168.1.7:4433 --lan off
  weft node --stop

Nothing leaves the local network unless an address or a relay is given.")]
pub(crate) struct NodeArguments {
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    /// Run in the background, and return when it is ready.
    #[arg(long, conflicts_with = "stop")]
    pub(crate) detach: bool,
    /// End the running node.
    #[arg(long)]
    pub(crate) stop: bool,
    /// This process is the background of `--detach`.
    #[arg(long, hide = true)]
    pub(crate) background: bool,
}

/// How a node takes part in the network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArguments {
    /// Listen here; default: on every interface, on a port of the system's choice.
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub(crate) listen: Vec<SocketAddr>,
    /// Try this address too: HOST:PORT, or ENDPOINT@HOST:PORT for one device.
    #[arg(long, value_name = "ADDR", value_parser = parse_peer)]
    pub(crate) peer: Vec<PeerAddress>,
    /// Look for others on the local network, and be found there.
    #[arg(long, value_enum, default_value_t = Switch::On, value_name = "on|off", hide_possible_values = true)]
    pub(crate) lan: Switch,
    /// Use this relay to reach devices that no address reaches.
    #[arg(long, value_name = "URL")]
    pub(crate) relay: Option<String>,
}

impl NetworkArguments {
    /// Whether any of them was given another value than it has by itself.
    pub(crate) fn is_given(&self) -> bool {
        !self.listen.is_empty() || !self.peer.is_empty() || self.lan == Switch::Off || self.relay.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft wait --synced
  weft wait ~/notes --synced --peers 2 --timeout 5m

Exit code 5 when the time is over.")]
pub(crate) struct WaitArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// Wait until nothing is missing on either side (there is nothing else to wait for yet).
    #[arg(long)]
    pub(crate) synced: bool,
    /// With at least so many devices.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) peers: u32,
    /// Give up after this time.
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft edit plan.md --insert 0 '# Plan'
  weft edit plan.md --delete 10 4
  sort names.txt | weft edit names.txt --stdin

Positions count Unicode code points from 0. --stdin takes the whole new text and makes the smallest edit that gives it.")]
#[command(group = clap::ArgGroup::new("action").required(true))]
pub(crate) struct EditArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,
    /// Put TEXT in before code point POS.
    #[arg(long, num_args = 2, value_names = ["POS", "TEXT"], group = "action", allow_hyphen_values = true)]
    pub(crate) insert: Option<Vec<String>>,
    /// Take LEN code points out from POS on.
    #[arg(long, num_args = 2, value_names = ["POS", "LEN"], group = "action", allow_negative_numbers = true, value_parser = parse_count)]
    pub(crate) delete: Option<Vec<u64>>,
    /// Make the text what standard input says.
    #[arg(long, group = "action")]
    pub(crate) stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CatArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,
    /// The text as it was then; `weft history` lists versions, and their beginning is enough.
    #[arg(long, value_name = "VERSION")]
    pub(crate) at: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,
    /// Show so many; 0 = all.
    #[arg(long, short = 'n', default_value_t = 0, value_name = "N")]
    pub(crate) number: u64,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,
    /// The version to bring back; `weft history` lists them, and their beginning is enough.
    #[arg(long, value_name = "VERSION")]
    pub(crate) at: String,
}

#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// Only what came after this version.
    #[arg(long, value_name = "VERSION")]
    pub(crate) since: Option<String>,
    /// Show so many; 0 = all.
    #[arg(long, short = 'n', default_value_t = 0, value_name = "N")]
    pub(crate) number: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft role Ben viewer                  Ben reads from now on, and writes no more
  weft role 3f2a91c0aa editor           by the id that `weft members` shows, or its beginning

It takes an admin; only the owner makes admins, and changes the role of one. What was written until now stays.")]
pub(crate) struct RoleArguments {
    /// The person: a name, an id, or the beginning of an id.
    #[arg(value_name = "PERSON")]
    pub(crate) who: String,
    /// What the person may do: admin, editor, viewer or keeper.
    #[arg(value_parser = parse_role)]
    pub(crate) role: Role,
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft revoke Ben                       Ben is out, with all devices
  weft revoke old-laptop                one of my own devices, lost or given away

Whoever is put out can read nothing that is written afterwards, and nothing they write counts. What they wrote until now
stays, and they keep what they have. It takes an admin to put a person out, the owner to put out an admin; a single
device is put out by its own person, from another device.")]
pub(crate) struct RevokeArguments {
    /// The person or the device: a name, an id, or the beginning of an id.
    #[arg(value_name = "PERSON|DEVICE")]
    pub(crate) who: String,
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft audit
  weft audit --json --entries > trail.json    with the signed bytes, for whoever wants to check them elsewhere
  weft audit --check trail.json               check such a file, on any machine: it takes no workspace and no network

Every signature, chain and hash is checked on the way. What was signed and does not count, because whoever signed it might
not do that, is listed too.")]
pub(crate) struct AuditArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// With --json: give the signed bytes of each entry too.
    #[arg(long)]
    pub(crate) entries: bool,
    /// Check a trail that was written before.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["entries", "folder"])]
    pub(crate) check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceArguments {
    #[command(subcommand)]
    pub(crate) action: DeviceAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceAction {
    /// Print a ticket by which another device becomes one of yours.
    Link(DeviceLinkArguments),
    /// Make this device one of the person's who wrote the ticket.
    Accept(DeviceAcceptArguments),
    /// List your devices, and say where your personal key lies.
    List,
    /// Show, check or use the 24 words that bring everything back when all devices are gone.
    Recovery(RecoveryArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft device recovery                                show the 24 words, to be written down
  weft device recovery --check                        type them in, to see that they were written down right
  weft device recovery --paper-only                   take the key off this device: the paper is its only place
  weft device recovery --unlock                       open the data here when keyring, key file or passphrase are lost
  weft device recovery --restore --from ENDPOINT@HOST:PORT ~/shared
                                                      on a new machine, from a keeper or anybody who shares with you

Whoever has the words is you, for ever: keep them off computers. They are read from the terminal or from standard input,
never from arguments.")]
pub(crate) struct RecoveryArguments {
    /// The folder in which each workspace gets a folder of its own; default: the current folder.
    #[arg(value_name = "DIR", requires = "restore")]
    pub(crate) parent: Option<PathBuf>,
    /// Ask for the words, and say whether they are right.
    #[arg(long, group = "action")]
    pub(crate) check: bool,
    /// Take the key off this device; the words must have been checked.
    #[arg(long, group = "action")]
    pub(crate) paper_only: bool,
    /// Open the data on this device with the words, and put its key where WEFT_KEY says.
    #[arg(long, group = "action")]
    pub(crate) unlock: bool,
    /// Bring everything back with the words.
    #[arg(long, group = "action", requires = "from")]
    pub(crate) restore: bool,
    /// The device to bring it back from.
    #[arg(long, value_name = "ENDPOINT@HOST:PORT", value_parser = parse_peer, requires = "restore")]
    pub(crate) from: Option<PeerAddress>,
    /// What becomes of files here that differ.
    #[arg(long, value_enum, default_value_t = ExistingArgument::KeepBoth, value_name = "CHOICE")]
    pub(crate) existing: ExistingArgument,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Give up after this time without an answer.
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft device link                      then, on the other device: weft device accept TICKET
  weft device link --yes --json         for scripts: the first line is the ticket

The other device comes into all workspaces that this one is in. A ticket is a secret: whoever has it can ask to be a device
of yours, so look at the six signs before you say yes.")]
pub(crate) struct DeviceLinkArguments {
    /// How long the ticket works, at most 7d.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) expires: Duration,
    /// Link whatever device comes with it, without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft device accept TICKET             each workspace into a new folder here, named like it
  weft device accept - ~/shared --yes   the ticket from standard input, the folders in ~/shared

It returns when all files are on disk. Ctrl-C is fine: the same command goes on where it stopped.")]
pub(crate) struct DeviceAcceptArguments {
    /// The ticket, or - to read it from standard input.
    #[arg(value_name = "TICKET|-")]
    pub(crate) ticket: String,
    /// The folder in which each workspace gets a folder of its own; default: the current folder.
    #[arg(value_name = "DIR")]
    pub(crate) parent: Option<PathBuf>,
    /// What becomes of files here that differ.
    #[arg(long, value_enum, default_value_t = ExistingArgument::KeepBoth, value_name = "CHOICE")]
    pub(crate) existing: ExistingArgument,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Give up after this time without an answer.
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft share --role keeper              on your device: a ticket for a keeper
  weft keep TICKET                      on the NAS: hold it, and pass it on between those who are never on together
  weft keep verify                      check every chain, signature and hash of what is kept

A keeper stores and forwards what it cannot read: no text, no file name, no name of a person or of the workspace. Without a
running node this command stays and serves as one until Ctrl-C; later `weft node` goes on keeping.")]
pub(crate) struct KeepArguments {
    /// The ticket, or - to read it from standard input; or the word verify.
    #[arg(value_name = "TICKET|-|verify")]
    pub(crate) ticket: String,
    /// Give up after this time without an answer.
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft export-void ~/mine               after you were put out: what you did that reached nobody
  weft export-void ~/bens --of Ben      what Ben did without knowing that he was out

Nothing in the workspace changes. To go on with it: `weft admit Ben`, or copy what you want into the folder.")]
pub(crate) struct ExportVoidArguments {
    /// The folder to write to; it is missing or empty.
    #[arg(value_name = "OUT")]
    pub(crate) to: PathBuf,
    /// Whose work: a name, an id or its beginning; default: your own, else the only one there is.
    #[arg(long, value_name = "WHO")]
    pub(crate) of: Option<String>,
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Whoever was put out may have gone on working for a while without knowing it. That work is kept and counts for nobody. This lets
it count after all, under the name of who did it; the person stays out. See it first: `weft export-void OUT --of WHO`.")]
pub(crate) struct AdmitArguments {
    /// Whose work: a name, an id or its beginning.
    #[arg(value_name = "WHO")]
    pub(crate) who: String,
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  weft backup /media/disk/weft-today.age              asks for a passphrase
  weft backup today.age --to age1…                    for whoever has the identity (see age-keygen)
  weft backup check today.age                         read it from beginning to end
  weft backup restore today.age --parent ~            on a new machine: the device, its history and its folders

In it are the history, the keys and the files of all workspaces. It is an ordinary age file: without Weft,
`age --decrypt today.age | tar --extract` gives the files. Whoever opens it is this device: keep it like a key."
)]
pub(crate) struct BackupArguments {
    #[command(subcommand)]
    pub(crate) action: Option<BackupAction>,
    /// The file to write; nothing may be there yet.
    #[arg(value_name = "FILE.age", required = true)]
    pub(crate) file: Option<PathBuf>,
    /// Seal it for this recipient of age instead of a passphrase; may be given several times.
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) to: Vec<String>,
    /// Read the passphrase from this open file descriptor.
    #[arg(long, value_name = "N", conflicts_with = "to")]
    pub(crate) passphrase_fd: Option<u32>,
    /// Leave out the files of the workspaces, which are in it a second time to be read without Weft.
    #[arg(long)]
    pub(crate) without_files: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupAction {
    /// Read a backup from beginning to end, and tell what is in it.
    Check(BackupCheckArguments),
    /// Bring this device back from a backup.
    Restore(BackupRestoreArguments),
}

#[derive(Debug, Args)]
pub(crate) struct BackupSecretArguments {
    /// A file with the identity that it was sealed for, as age-keygen writes it.
    #[arg(long, short = 'i', value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Read the passphrase from this open file descriptor.
    #[arg(long, value_name = "N", conflicts_with = "identity")]
    pub(crate) passphrase_fd: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupCheckArguments {
    /// The backup.
    #[arg(value_name = "FILE.age")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) secret: BackupSecretArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The data folder (WEFT_HOME) must be missing or empty. A workspace whose folder is still on this machine goes on there, and
what was changed in it since the backup becomes edits; the others get a new folder.

Use a backup to bring a device back that is lost, not to make a second one: `weft device link` does that.")]
pub(crate) struct BackupRestoreArguments {
    /// The backup.
    #[arg(value_name = "FILE.age")]
    pub(crate) file: PathBuf,
    /// Where workspaces get a folder whose own is not on this machine; default: the current folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) parent: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) secret: BackupSecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct MirrorArguments {
    #[command(subcommand)]
    pub(crate) action: MirrorAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MirrorAction {
    /// Go on after a folder, or most of it, has vanished, or another branch was checked out.
    Resume(MirrorResumeArguments),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("meaning").required(true))]
pub(crate) struct MirrorResumeArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// The files were deleted on purpose: delete them for everybody.
    #[arg(long, group = "meaning")]
    pub(crate) deleted: bool,
    /// Write the files again.
    #[arg(long, group = "meaning")]
    pub(crate) restore: bool,
    /// Share the branch that was checked out with everybody.
    #[arg(long, group = "meaning")]
    pub(crate) share: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft policy
  weft policy --branch-switch hold      a branch that somebody checks out is shared only when that person says so")]
pub(crate) struct PolicyArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
    /// What becomes of another git branch that somebody checks out: share it at once, or hold.
    #[arg(long, value_name = "share|hold", value_parser = parse_branch_switch)]
    pub(crate) branch_switch: Option<BranchSwitch>,
}

fn parse_branch_switch(text: &str) -> Result<BranchSwitch, String> {
    let known = [BranchSwitch::Share, BranchSwitch::Hold];
    known.into_iter().find(|known| known.name() == text).ok_or_else(|| "it is share or hold".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct DiagnosticsArguments {
    /// Go on showing new lines until Ctrl-C.
    #[arg(long, short = 'f')]
    pub(crate) follow: bool,
    /// Show so many of the last lines; 0 = all.
    #[arg(long, short = 'n', default_value_t = 200, value_name = "N")]
    pub(crate) number: usize,
}

impl Command {
    /// Does what must be done before any thread exists.
    pub(crate) fn prepare_process(&self) {
        #[cfg(unix)]
        if matches!(self, Self::Node(NodeArguments { background: true, .. })) {
            // A session of its own: closing the terminal must not end the background node. It fails only for a process
            // that leads a group already, and then a hangup cannot reach it either.
            let _leads_already = rustix::process::setsid();
        }
    }
}
