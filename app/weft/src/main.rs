//! The command line of Weft, and the way to its window.
//!
//! A command asks a node: the one that runs on this data folder when there is one, else a node in this process that
//! lives as long as the command. Without a command the window opens (`weft-desktop`). Reading order:
//!
//! - `arguments`: what can be typed, with the help texts;
//! - `environment`: the data folder, the key and the terminal;
//! - `connection`: finding or opening a node;
//! - `commands`: one module for each subject;
//! - `text`: from answers to what people read; what others wrote is escaped there;
//! - `streams`: text of models while it comes;
//! - `output`, `progress`, `logging`: where it all goes;
//! - `memory`: what the allocator is asked for.

mod arguments;
mod commands;
mod connection;
mod environment;
mod logging;
mod memory;
mod output;
mod progress;
mod streams;
mod text;

use std::process::ExitCode;

use clap::Parser;

use self::{
    arguments::{Arguments, Command},
    commands::Outcome,
    environment::Environment,
    output::Output,
};

fn main() -> ExitCode {
    memory::share_one_arena();
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match run(arguments, &output) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NeedsPerson) => ExitCode::FAILURE,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.kind.exit_code())
        }
    }
}

fn run(arguments: Arguments, output: &Output) -> Result<Outcome, weft_node::api::ApiError> {
    let command = match arguments.command {
        None => return commands::open_window(None, output),
        Some(Command::Open(folder)) => return commands::open_window(folder.folder.as_deref(), output),
        // Before anything of the person's is opened: this process reads a stranger's file.
        Some(Command::Worker) => return commands::be_worker(),
        Some(Command::ReadDocument) => return commands::read_document(),
        Some(command) => command,
    };
    command.prepare_process();
    let environment = Environment::read(output)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| weft_node::api::ApiError::failed(format!("threads cannot be started: {error}")))?;
    let result = runtime.block_on(commands::run(command, &environment, output));
    // A thread that still waits for a key press or a disk must not keep a finished command alive.
    runtime.shutdown_background();
    result
}
