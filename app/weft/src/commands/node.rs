//! `weft node`: in the foreground, in the background, and its end.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout},
};
use weft_node::{
    api::{self, ApiError, CallContext, EventSink, NodeInfoReport, NodeStop},
    control::{Client, ConnectError},
};

use super::{Outcome, network_need};
use crate::{
    arguments::NodeArguments,
    connection::{Connection, connect_error, with_node},
    environment::Environment,
    output::Output,
    text,
};

/// Without the console of the command that starts it, so that closing that one does not end the node.
#[cfg(windows)]
const DETACHED_PROCESS: u32 = 0x8;
/// So that Ctrl-C there does not reach the node.
#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
/// How long a background node may take to be ready: a large folder may have to be looked through first.
const READY_TIME_MAX: Duration = Duration::from_secs(300);
/// How long an ending node may take.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);
const STOP_PAUSE: Duration = Duration::from_millis(20);

#[derive(Serialize)]
struct ReadyLine<'a> {
    event: &'static str,
    endpoint: &'a str,
    addresses: &'a [String],
    pid: u32,
}

#[derive(Serialize)]
struct StoppedLine {
    stopped: bool,
    pid: Option<u32>,
}

pub(super) async fn node(
    arguments: &NodeArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    if arguments.stop {
        stop(environment, output).await?;
    } else if arguments.detach {
        detach(environment, output).await?;
    } else {
        foreground(arguments, environment, output).await?;
    }
    Ok(Outcome::Done)
}

async fn foreground(
    arguments: &NodeArguments,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    with_node(environment, network_need(&arguments.network), async |node| {
        if !node.is_own() {
            return Err(already_running(&node.info().await?));
        }
        print_ready(node, output).await?;
        if !arguments.background {
            output.note("Ctrl-C ends it.");
        }
        node.interrupted().await;
        Ok(())
    })
    .await
}

/// The first line of a node: it is ready.
pub(super) async fn print_ready(node: &Connection, output: &Output) -> Result<(), ApiError> {
    let info = node.info().await?;
    if output.json {
        let (endpoint, addresses) = (info.endpoint.as_str(), info.addresses.as_slice());
        return output.json_line(&ReadyLine { event: "ready", endpoint, addresses, pid: info.pid });
    }
    output.print(&text::node_ready(&info, &output.look()))
}

fn already_running(info: &NodeInfoReport) -> ApiError {
    ApiError::failed(format!("a node runs already on this data folder (process {})", info.pid)).hint(
        "`weft status` shows what it does, `weft node --stop` ends it; another WEFT_HOME takes another node",
    )
}

/// Starts this program again as a background process, and returns when that is ready.
async fn detach(environment: &Environment, output: &Output) -> Result<(), ApiError> {
    match Client::connect(&environment.home, EventSink::none()).await {
        Ok(client) => {
            let info = api::call(&client, api::NodeInfo {}, CallContext::default()).await?;
            if info.online {
                return Err(already_running(&info));
            }
        }
        Err(ConnectError::NotRunning) => {}
        Err(error) => return Err(connect_error(&error)),
    }
    let mut child = spawn_background()?;
    let stdout = child.stdout.take().expect("the pipe that was asked for");
    let waiting = tokio::time::timeout(READY_TIME_MAX, first_line(stdout)).await;
    let line = match waiting {
        Ok(Some(line)) => line,
        Ok(None) => return Err(background_failure(child).await),
        Err(_) => {
            return Err(ApiError::unreachable("the background node is not ready after five minutes")
                .hint("`weft diagnostics` shows what it does; it goes on"));
        }
    };
    let pid = child.id();
    if output.json {
        return output.print(&format!("{}\n", text::escape_json(&line)));
    }
    let pid = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    output.print(&format!("The node runs in the background{pid}. `weft node --stop` ends it.\n"))
}

fn spawn_background() -> Result<Child, ApiError> {
    let program = std::env::current_exe()
        .map_err(|error| ApiError::failed(format!("this program does not find itself: {error}")))?;
    let arguments =
        std::env::args_os().skip(1).filter(|argument| argument != "--detach" && argument != "--json");
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .args(["--background", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // On Unix the process itself leaves the terminal: see `Command::prepare_process`.
    #[cfg(windows)]
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    command
        .spawn()
        .map_err(|error| ApiError::failed(format!("the background process cannot be started: {error}")))
}

async fn first_line(stdout: ChildStdout) -> Option<String> {
    BufReader::new(stdout).lines().next_line().await.ok().flatten()
}

/// The background process ended before it was ready; it has said why on its error stream.
async fn background_failure(mut child: Child) -> ApiError {
    let mut message = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        // What cannot be read cannot be shown; the general message below remains.
        let _unreadable = stderr.read_to_string(&mut message).await;
    }
    let told = message.lines().rev().find_map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        serde_json::from_value(value.get("error")?.clone()).ok()
    });
    told.unwrap_or_else(|| {
        ApiError::failed(format!("the background node ended at once: {}", message.trim()))
            .hint("`weft node` in the foreground shows more")
    })
}

async fn stop(environment: &Environment, output: &Output) -> Result<(), ApiError> {
    let pid = match Client::connect(&environment.home, EventSink::none()).await {
        Ok(client) => Some(api::call(&client, NodeStop {}, CallContext::default()).await?.pid),
        Err(ConnectError::NotRunning) => None,
        Err(error) => return Err(connect_error(&error)),
    };
    if pid.is_some() {
        wait_for_end(environment).await?;
    }
    let line = StoppedLine { stopped: pid.is_some(), pid };
    output.result(&line, |line, _| match line.pid {
        Some(pid) => format!("The node (process {pid}) has ended.\n"),
        None => "No node was running.\n".to_owned(),
    })
}

/// Waits until the data folder is free: the process may hold it for a moment after its socket is gone.
async fn wait_for_end(environment: &Environment) -> Result<(), ApiError> {
    let deadline = Instant::now() + STOP_TIME_MAX;
    while Instant::now() < deadline {
        if !weft_node::is_held(&environment.home) {
            return Ok(());
        }
        tokio::time::sleep(STOP_PAUSE).await;
    }
    Err(ApiError::unreachable("the node has not ended after 30 seconds")
        .hint("`weft diagnostics` shows what it does")
        .data_state("everything that was saved is safe"))
}
