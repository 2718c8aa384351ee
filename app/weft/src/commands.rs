//! What each command does.

mod ai;
mod backup;
mod device;
mod files;
mod health;
mod join;
mod keep;
mod node;
mod people;
mod search;
mod share;
mod workspace;

use weft_node::api::ApiError;

use crate::{
    arguments::{Command, MirrorAction, NetworkArguments, Switch},
    connection::{Connection, Need},
    environment::Environment,
    logging,
    output::Output,
    text,
};

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done.
    Done,
    /// It is done, and found something that needs the person.
    NeedsPerson,
}

/// Runs a command.
pub(crate) async fn run(
    command: Command,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    if let Command::Diagnostics(arguments) = &command {
        return health::diagnostics(arguments, environment, output).await;
    }
    logging::start(&environment.home, output);
    match command {
        // Opened in `main`: the window needs the first thread, and has threads of its own.
        Command::Open(_) => Ok(Outcome::Done),
        Command::Init(arguments) => workspace::init(&arguments, environment, output).await,
        Command::Share(arguments) => share::share(&arguments, environment, output).await,
        Command::Invitations(arguments) => people::invitations(&arguments, environment, output).await,
        Command::Join(arguments) => join::join(&arguments, environment, output).await,
        Command::Leave(arguments) => workspace::leave(&arguments, environment, output).await,
        Command::Node(arguments) => node::node(&arguments, environment, output).await,
        Command::Status(arguments) => workspace::status(&arguments, environment, output).await,
        Command::Wait(arguments) => workspace::wait(&arguments, environment, output).await,
        Command::Digest(arguments) => workspace::digest(&arguments, environment, output).await,
        Command::Edit(arguments) => files::edit(&arguments, environment, output).await,
        Command::Cat(arguments) => files::cat(&arguments, environment, output).await,
        Command::History(arguments) => files::history(&arguments, environment, output).await,
        Command::Blame(arguments) => files::blame(&arguments, environment, output).await,
        Command::Restore(arguments) => files::restore(&arguments, environment, output).await,
        Command::Log(arguments) => files::log(&arguments, environment, output).await,
        Command::Search(arguments) => search::search(&arguments, environment, output).await,
        Command::Replace(arguments) => search::replace(&arguments, environment, output).await,
        Command::Index(arguments) => search::index(&arguments, environment, output).await,
        Command::Peers => people::peers(environment, output).await,
        Command::Members(arguments) => people::members(&arguments, environment, output).await,
        Command::Role(arguments) => people::role(&arguments, environment, output).await,
        Command::Revoke(arguments) => people::revoke(&arguments, environment, output).await,
        Command::Audit(arguments) => people::audit(&arguments, environment, output).await,
        Command::Device(arguments) => device::device(&arguments.action, environment, output).await,
        Command::Keep(arguments) => keep::keep(&arguments, environment, output).await,
        Command::ExportVoid(arguments) => people::export_void(&arguments, environment, output).await,
        Command::Admit(arguments) => people::admit(&arguments, environment, output).await,
        Command::Backup(arguments) => backup::backup(&arguments, environment, output).await,
        Command::Mirror(arguments) => {
            let MirrorAction::Resume(arguments) = &arguments.action;
            workspace::resume(arguments, environment, output).await
        }
        Command::Policy(arguments) => workspace::policy(&arguments, environment, output).await,
        Command::Ai(arguments) => ai::ai(&arguments.action, environment, output).await,
        // Begun in `main`, before anything is opened.
        Command::Worker | Command::ReadDocument => Ok(Outcome::Done),
        Command::Doctor => health::doctor(environment, output).await,
        // Shown above, before the log is opened for writing.
        Command::Diagnostics(_) => Ok(Outcome::Done),
    }
}

/// `weft` alone and `weft open`: the window. It returns when the window is closed.
#[cfg(feature = "desktop")]
pub(crate) fn open_window(folder: Option<&std::path::Path>, output: &Output) -> Result<Outcome, ApiError> {
    let environment = Environment::read(output)?;
    logging::start(&environment.home, output);
    let folder = folder.map(crate::environment::absolute).transpose()?;
    let node = environment.node_options(Some(weft_node::api::NetworkOptions::default()))?;
    let opened = weft_desktop::run(weft_desktop::DesktopOptions { node, folder });
    opened.map(|()| Outcome::Done).map_err(|error| ApiError::failed(error.to_string()).hint(error.hint()))
}

/// `weft` alone and `weft open`, in a build without the window.
#[cfg(not(feature = "desktop"))]
pub(crate) fn open_window(folder: Option<&std::path::Path>, output: &Output) -> Result<Outcome, ApiError> {
    if folder.is_some() {
        return Err(ApiError::usage("this build of Weft has no window")
            .hint("build it with the feature `desktop`, or use the commands that `weft --help` lists"));
    }
    let help = <crate::arguments::Arguments as clap::CommandFactory>::command().render_help();
    output
        .print(&format!("{help}\n\nThis build of Weft has no window; every command works without it.\n"))?;
    Ok(Outcome::Done)
}

/// `weft worker`: runs a model for the node until the node closes the pipe.
#[cfg(feature = "ai")]
pub(crate) fn be_worker() -> Result<Outcome, ApiError> {
    let _status = weft_ai_llama::worker::run();
    Ok(Outcome::Done)
}

/// `weft read-document`: reads one document and ends.
pub(crate) fn read_document() -> Result<Outcome, ApiError> {
    let _status = weft_documents::serve();
    Ok(Outcome::Done)
}

/// `weft worker`, in a build without the engine.
#[cfg(not(feature = "ai"))]
pub(crate) fn be_worker() -> Result<Outcome, ApiError> {
    Err(ApiError::usage("this build of Weft has no engine for models").hint("build it with the feature `ai`"))
}

/// A node with the network as the arguments say.
fn network_need(arguments: &NetworkArguments) -> Need {
    Need::Network(weft_node::api::NetworkOptions {
        listen: arguments.listen.clone(),
        peers: arguments.peer.clone(),
        lan: arguments.lan == Switch::On,
        relay: arguments.relay.clone(),
    })
}

/// Says that what the network arguments ask for is not done by a node that runs already.
fn note_unused(arguments: &NetworkArguments, node: &Connection, output: &Output) {
    if !node.is_own() && arguments.is_given() {
        output.note(
            "A node runs already, and --listen, --peer, --lan and --relay do not change it: to use them, end it with \
             `weft node --stop` and start it with them.",
        );
    }
}

/// The line at the end of some commands that says whether a node runs.
async fn print_node_line(node: &Connection, is_alone: bool, output: &Output) -> Result<(), ApiError> {
    if output.json {
        return Ok(());
    }
    let pid = node.running_node().await;
    output.print(&text::node_line(pid, is_alone, &output.look()))
}
