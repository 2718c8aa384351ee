//! `weft ai`: language models on this device.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};
use weft_node::api::{ProviderKind, Purpose};

use super::parse_listen;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft ai models import ~/Downloads/model.gguf
  weft ai chat \"what does @src/main.rs do?\"
  weft ai complete src/main.rs:12:5
  weft ai edit src/main.rs:10-20 \"return an error instead\"
  weft ai serve                         an endpoint for other programs, as OpenAI has it

Models run on this device, in a process of their own; nothing leaves it. Servers are asked only when you add one
(`weft ai providers add`), name it or choose it, and say yes once for each workspace.")]
pub(crate) struct AiArguments {
    #[command(subcommand)]
    pub(crate) action: AiAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AiAction {
    /// List, import, download, check and remove models.
    Models(ModelsArguments),
    /// List, add, try and remove servers that may be asked besides the models of this device.
    Providers(ProvidersArguments),
    /// Tell or set whether models on the members' own devices are the only ones that are asked about a workspace.
    LocalOnly(LocalOnlyArguments),
    /// Say what this device has for models, and what fits.
    Hardware,
    /// Complete a file at a place.
    Complete(CompleteArguments),
    /// Ask something; the model is shown what the question names: @path, @path:FROM-TO, @symbol:NAME, @selection, @diff, @docs.
    Chat(ChatArguments),
    /// Ask for a change of some lines, and take the parts of it that are good.
    Edit(AiEditArguments),
    /// Ask for a change of the files that are named as @path, and take the parts of it that are good.
    Change(ChangeArguments),
    /// List the templates that say what is wanted by name; a file of your own takes the place of each.
    Templates,
    /// Serve the models to other programs of this machine, as OpenAI does.
    Serve(ServeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    pub(crate) action: Option<ModelsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAction {
    /// List the models on this device.
    List,
    /// Take a model file in the GGUF format in.
    Import {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How it is to be called.
        #[arg(long)]
        name: Option<String>,
    },
    /// Download a model; the same command goes on where it broke off.
    Download {
        /// From where: https.
        #[arg(value_name = "URL")]
        url: String,
        /// What its SHA-256 must be.
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
        /// How it is to be called.
        #[arg(long)]
        name: Option<String>,
    },
    /// Compute the checksums again.
    Verify {
        /// Only of this one.
        #[arg(value_name = "MODEL")]
        id: Option<String>,
    },
    /// Delete a model from this device.
    Remove {
        /// Which.
        #[arg(value_name = "MODEL")]
        id: String,
    },
    /// Let the members of a workspace fetch a model from this device.
    Share {
        /// Which.
        #[arg(value_name = "MODEL")]
        id: String,
        /// The workspace.
        #[arg(value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
        /// No more.
        #[arg(long)]
        stop: bool,
    },
    /// List the models that the other members share now.
    Offers {
        /// The workspace.
        #[arg(value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
    },
    /// Fetch a model that another member shares; the same command goes on where it broke off.
    Get {
        /// Which: its name, or the beginning of its SHA-256.
        #[arg(value_name = "MODEL")]
        id: String,
        /// The workspace.
        #[arg(value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
        /// How it is to be called here.
        #[arg(long)]
        name: Option<String>,
    },
    /// Choose the model that is asked when none is named.
    Use {
        /// Which.
        #[arg(value_name = "MODEL")]
        id: String,
        /// For what: completion, chat or embedding.
        #[arg(long = "for", value_name = "ROLE", value_parser = parse_purpose)]
        role: Purpose,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft ai providers add claude --kind anthropic --model claude-sonnet-4-5
  weft ai providers add lab --kind openai --url http://127.0.0.1:11434/v1 --model qwen2.5-coder --no-key
  weft ai chat --model claude \"what does @src/main.rs do?\"
  weft ai models use claude --for chat      asked when no model is named

There is no server until you add one. Its key lies sealed in the store of this device.")]
pub(crate) struct ProvidersArguments {
    #[command(subcommand)]
    pub(crate) action: Option<ProvidersAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvidersAction {
    /// List the servers.
    List,
    /// Make a server known, or change one: what you have said yes to is asked again.
    Add(ProviderAddArguments),
    /// Forget a server and its key.
    Remove {
        /// Which.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Ask a server for a word; nothing of a workspace is sent.
    Test {
        /// Which.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ProviderAddArguments {
    /// How it is to be called.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Its interface: openai, which many servers have, or anthropic.
    #[arg(long, value_name = "openai|anthropic", value_parser = parse_kind)]
    pub(crate) kind: ProviderKind,
    /// The model that it is asked for when none is named as NAME/MODEL.
    #[arg(long)]
    pub(crate) model: String,
    /// Its address, up to before /chat/completions or /messages; that of OpenAI or Anthropic when it is left out.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Read its key from this open file descriptor.
    #[arg(long, value_name = "N", conflicts_with = "no_key")]
    pub(crate) key_fd: Option<u32>,
    /// It needs no key.
    #[arg(long)]
    pub(crate) no_key: bool,
    /// Seconds that it may say nothing; a minute when it is left out.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) patience: Option<u64>,
}

fn parse_kind(text: &str) -> Result<ProviderKind, String> {
    let known = [ProviderKind::OpenAi, ProviderKind::Anthropic];
    known.into_iter().find(|known| known.name() == text).ok_or_else(|| "it is openai or anthropic".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct LocalOnlyArguments {
    /// On or off, for everybody in the workspace; only an admin can set it.
    #[arg(value_name = "on|off", value_parser = parse_switch)]
    pub(crate) state: Option<bool>,
    /// A folder of the workspace; default: the current one.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("it is on or off".to_owned()),
    }
}

fn parse_purpose(text: &str) -> Result<Purpose, String> {
    match text {
        "completion" => Ok(Purpose::Completion),
        "chat" => Ok(Purpose::Chat),
        "embedding" => Ok(Purpose::Embedding),
        _ => Err("it is completion, chat or embedding".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct CompleteArguments {
    /// The file, the line and the column, both from 1.
    #[arg(value_name = "FILE:LINE:COL", value_parser = parse_place)]
    pub(crate) place: Place,
    /// More than the rest of the line.
    #[arg(long)]
    pub(crate) lines: bool,
    /// Which model.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Send it to a server without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// The most tokens.
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct ChatArguments {
    /// The question; from standard input when it is left out.
    #[arg(value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// The workspace's folder that mentioned files lie in; default: the current one.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The lines that @selection means.
    #[arg(long, value_name = "FILE:FROM-TO", value_parser = parse_lines)]
    pub(crate) selection: Option<Lines>,
    /// What is wanted of it by name: explain, fix, or another of `weft ai templates`.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// Which model.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Ask the model also where the same was answered before.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Send it to a server without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// The most tokens of the answer.
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct AiEditArguments {
    /// The file with the first and the last line.
    #[arg(value_name = "FILE:FROM-TO", value_parser = parse_lines)]
    pub(crate) lines: Lines,
    /// What is wanted; with --as it may be left out.
    #[arg(value_name = "TEXT", required_unless_present = "template")]
    pub(crate) text: Option<String>,
    /// What is wanted by name: generate, explain, refactor, document, test, fix, or a file prompts/NAME.txt of the data folder.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// Which model.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Ask the model also where the same was answered before.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Send it to a server without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Accept all hunks, or those of these numbers from 1, without asking.
    #[arg(long, value_name = "N,…", num_args = 0..=1, default_missing_value = "all")]
    pub(crate) accept: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft ai change \"move the parser of @src/main.rs into a file of its own\"
  weft ai change --as test @src/tree.rs --accept 1,3

What is named as @path may be changed, and new files may be made beside; nothing is before you accept it. Named can be as well
@symbol:NAME, @selection (with --selection), @diff and @docs.")]
pub(crate) struct ChangeArguments {
    /// What is wanted, with the files that it is about; from standard input when it is left out.
    #[arg(value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// What is wanted by name: generate, explain, refactor, document, test, fix, or a file prompts/NAME.txt of the data folder.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// The workspace's folder that named files lie in; default: the current one.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The lines that @selection means.
    #[arg(long, value_name = "FILE:FROM-TO", value_parser = parse_lines)]
    pub(crate) selection: Option<Lines>,
    /// Which model.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Ask the model also where the same was answered before.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Send it to a server without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Accept all hunks, or those of these numbers from 1, without asking.
    #[arg(long, value_name = "N,…", num_args = 0..=1, default_missing_value = "all")]
    pub(crate) accept: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Where to listen: an address of this machine only.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = parse_listen)]
    pub(crate) listen: SocketAddr,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// Lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) file: PathBuf,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

fn parse_place(text: &str) -> Result<Place, String> {
    let parsed = || {
        let (rest, column) = text.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some(Place { file: non_empty(file)?, line: line.parse().ok()?, column: column.parse().ok()? })
    };
    parsed().ok_or_else(|| "write it like src/main.rs:12:5".to_owned())
}

fn parse_lines(text: &str) -> Result<Lines, String> {
    let parsed = || {
        let (file, lines) = text.rsplit_once(':')?;
        let (from, to) = lines.split_once('-').unwrap_or((lines, lines));
        Some(Lines { file: non_empty(file)?, from: from.parse().ok()?, to: to.parse().ok()? })
    };
    parsed().ok_or_else(|| "write it like src/main.rs:10-20".to_owned())
}

fn non_empty(file: &str) -> Option<PathBuf> {
    (!file.is_empty()).then(|| PathBuf::from(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_lines_are_read_from_behind() {
        let place = parse_place("C:\\a:b.rs:12:5").expect("a place");
        assert_eq!((place.file, place.line, place.column), (PathBuf::from("C:\\a:b.rs"), 12, 5));
        let lines = parse_lines("a b.rs:3-9").expect("lines");
        assert_eq!((lines.file, lines.from, lines.to), (PathBuf::from("a b.rs"), 3, 9));
        assert_eq!(parse_lines("a:7").map(|lines| (lines.from, lines.to)), Ok((7, 7)));
        for wrong in ["a", "a:1", ":1:1", "a:x:1", "a:1:"] {
            assert!(parse_place(wrong).is_err(), "{wrong}");
        }
        assert!(parse_lines("a").is_err() && parse_lines("a:2-x").is_err() && parse_lines(":1").is_err());
    }
}
