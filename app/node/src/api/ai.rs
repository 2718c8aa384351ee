//! Language models on this device: which there are, and what can be asked of them.
//!
//! A request that names a `stream` is told of its text while it comes, as [`super::AiText`] under that name; the answer has
//! all of it once more. Cancelling the request, or closing the connection, ends the computing within one step.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a model is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Completing text at a cursor.
    Completion,
    /// Answering.
    Chat,
    /// Finding text by its meaning.
    Embedding,
}

/// Lists the models on this device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AiModels {}

/// The models on this device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelList {
    /// The models.
    pub models: Vec<AiModel>,
}

/// A model on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiModel {
    /// Names it in commands.
    pub id: String,
    /// Its makers' name for it.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is good for.
    pub roles: Vec<Purpose>,
    /// What it is asked for when no model is named.
    #[serde(default)]
    pub chosen_for: Vec<Purpose>,
    /// The size of its file.
    pub bytes: u64,
    /// The SHA-256 of its file.
    pub sha256: String,
    /// Tokens that it was made to read.
    pub context_tokens: u64,
    /// Its parameters.
    pub parameters: u64,
    /// Its licence, as its file says.
    #[serde(default)]
    pub license: Option<String>,
    /// Where it came from.
    pub source: String,
    /// The workspaces whose members may fetch it from here.
    #[serde(default)]
    pub shared_in: Vec<String>,
    /// Whether the memory of this device is enough.
    pub fits: bool,
    /// Why, in words.
    pub why: String,
    /// Whether it is in memory now.
    pub is_loaded: bool,
}

/// Takes a model file into this device's collection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelImport {
    /// The file, absolute.
    pub file: PathBuf,
    /// How it is to be called; made of its own name when it is not said.
    #[serde(default)]
    pub id: Option<String>,
}

/// Downloads a model; what came of it is kept when it breaks off, and the same request goes on there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelDownload {
    /// From where: https, or http on this device.
    pub url: String,
    /// What its SHA-256 must be.
    #[serde(default)]
    pub sha256: Option<String>,
    /// How it is to be called.
    #[serde(default)]
    pub id: Option<String>,
}

/// Computes the checksums of the model files again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AiModelVerify {
    /// Only of this one.
    #[serde(default)]
    pub id: Option<String>,
}

/// Which model files are what they were.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelsVerified {
    /// Each with the result.
    pub models: Vec<AiModelVerified>,
}

/// Whether a model file is what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiModelVerified {
    /// Which.
    pub id: String,
    /// Whether it is.
    pub ok: bool,
    /// What is wrong.
    #[serde(default)]
    pub finding: Option<String>,
}

/// Deletes a model from this device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelRemove {
    /// Which.
    pub id: String,
}

/// A model that is gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelRemoved {
    /// Which.
    pub id: String,
    /// The size of its file.
    pub bytes: u64,
}

/// Lets the members of a workspace fetch a model from this device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelShare {
    /// Which.
    pub id: String,
    /// The workspace.
    pub folder: PathBuf,
    /// No more.
    #[serde(default)]
    pub stop: bool,
}

/// Asks the connected devices of a workspace's members which models they share in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelOffers {
    /// The workspace.
    pub folder: PathBuf,
}

/// The models that the others share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelsOffered {
    /// The models.
    pub models: Vec<AiModelOffer>,
    /// How many devices were connected and asked.
    pub devices_asked: usize,
}

/// A model that others share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiModelOffer {
    /// What they call it.
    pub id: String,
    /// The SHA-256 of its file.
    pub sha256: String,
    /// The size of its file.
    pub bytes: u64,
    /// What it is good for, as they say.
    pub roles: Vec<Purpose>,
    /// Its licence, as they say.
    #[serde(default)]
    pub license: Option<String>,
    /// Whose devices have it.
    pub holders: Vec<AiModelHolder>,
    /// Whether it is on this device already.
    pub is_here: bool,
}

/// A device that shares a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiModelHolder {
    /// Whose it is.
    pub user_name: String,
    /// What it is called.
    pub device_name: String,
}

/// Fetches a model from a device of a member that shares it; the same request goes on where it broke off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelGet {
    /// Which: what they call it, or the beginning of its SHA-256.
    pub id: String,
    /// The workspace.
    pub folder: PathBuf,
    /// How it is to be called here.
    #[serde(default)]
    pub name: Option<String>,
}

/// Asks for one model when none is named.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiModelChoose {
    /// Which.
    pub id: String,
    /// For what.
    pub role: Purpose,
}

/// Says what this device computes models with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AiHardware {}

/// What this device computes models with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiHardwareReport {
    /// Cores of the processor.
    pub cores: u64,
    /// Threads that a model computes with.
    pub threads: u64,
    /// All memory, as far as it is known.
    pub memory_bytes: Option<u64>,
    /// The memory that is free.
    pub memory_free_bytes: Option<u64>,
    /// Where models can run: what this build was made for.
    pub backends: Vec<String>,
    /// The cards that models run on, with this build.
    #[serde(default)]
    pub devices: Vec<AiDevice>,
    /// Each model, and whether it fits.
    pub models: Vec<AiModel>,
    /// What fits, in words.
    pub advice: String,
}

/// A card that models run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiDevice {
    /// What its maker calls it.
    pub name: String,
    /// Through what it is spoken to, such as `Vulkan`.
    pub backend: String,
    /// Its memory.
    pub memory_bytes: u64,
    /// The memory that is free.
    pub memory_free_bytes: u64,
}

/// A message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub text: String,
}

/// How the next token is chosen; what is not said is as usual, and the most probable token is taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AiSampling {
    /// 0 takes the most probable token.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Only so many of the most probable tokens.
    #[serde(default)]
    pub top_k: Option<i32>,
    /// Only the most probable tokens that have this probability together.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// What a token loses for each time that it came.
    #[serde(default)]
    pub frequency_penalty: Option<f32>,
    /// What a token loses when it came at all.
    #[serde(default)]
    pub presence_penalty: Option<f32>,
    /// Where the dice start.
    #[serde(default)]
    pub seed: Option<u32>,
}

/// Asks a model for text, with a prompt as it is or a conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AiGenerate {
    /// Which model; the chosen one when it is not said.
    #[serde(default)]
    pub model: Option<String>,
    /// The text to go on from; or `messages`.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The conversation to answer.
    #[serde(default)]
    pub messages: Vec<AiMessage>,
    /// How it chooses.
    #[serde(default)]
    pub sampling: AiSampling,
    /// The most tokens of the answer.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// The answer ends before any of these.
    #[serde(default)]
    pub stops: Vec<String>,
    /// A JSON schema that the answer is held to.
    #[serde(default)]
    pub json_schema: Option<serde_json::Value>,
    /// A grammar that the answer is held to, as GBNF with the rule `root`.
    #[serde(default)]
    pub grammar: Option<String>,
    /// The answer ends after so many milliseconds with what there is.
    #[serde(default)]
    pub time_millis: Option<u32>,
    /// A folder in the workspace that it is about.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Whether the person agrees that this is sent to a server, the first time from this workspace.
    #[serde(default)]
    pub confirm: bool,
    /// Tell the text while it comes, under this name.
    #[serde(default)]
    pub stream: Option<String>,
}

/// A model's answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AiAnswer {
    /// The text.
    pub text: String,
    /// Which model.
    pub model: String,
    /// Why it ended: `end`, `stop`, `max_tokens`, `context_full`, `deadline`, `repeating` or `withheld`.
    pub finish: String,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Those of them that were computed before.
    pub reused_tokens: u32,
    /// Tokens that were computed for this answer.
    pub decoded_tokens: u32,
    /// Tokens of the answer.
    pub tokens: u32,
    /// How long it took.
    pub seconds: f64,
    /// Whether it was given before, and nothing was computed for it now.
    #[serde(default)]
    pub is_repeated: bool,
    /// What had no room and was not shown to the model.
    #[serde(default)]
    pub left_out: Option<String>,
    /// What of the workspace the model was shown: a path, or a path with lines.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The places that the answer names and that are there.
    #[serde(default)]
    pub citations: Vec<AiCitation>,
}

/// Completes a file at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiComplete {
    /// The file, absolute.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1, in Unicode code points; the cursor stands before it.
    pub column: u64,
    /// The file's text where it is not yet that of the document.
    #[serde(default)]
    pub text: Option<String>,
    /// Whether more than the rest of the line is wanted.
    #[serde(default)]
    pub multi_line: bool,
    /// Which model; the chosen one when it is not said.
    #[serde(default)]
    pub model: Option<String>,
    /// The most tokens.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// End after so many milliseconds with what there is.
    #[serde(default)]
    pub time_millis: Option<u32>,
    /// Which alternative: 0 for the most probable text, and others for others that the dice make.
    #[serde(default)]
    pub alternative: u32,
    /// Whether the person agrees that this is sent to a server, the first time from this workspace.
    #[serde(default)]
    pub confirm: bool,
    /// Tell the text while it comes, under this name.
    #[serde(default)]
    pub stream: Option<String>,
}

/// Asks something about a workspace, or about anything.
///
/// What the last message names with `@` is shown to the model: `@path`, `@path:FROM-TO`, `@symbol:name`, `@selection`, `@diff`,
/// `@diff:path` and `@docs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiChat {
    /// A folder in the workspace; without it nothing of a workspace is shown.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// The conversation; the last message is the question.
    pub messages: Vec<AiMessage>,
    /// What `@selection` means.
    #[serde(default)]
    pub selection: Option<AiSelection>,
    /// The name of a template that says what is wanted of what is named.
    #[serde(default)]
    pub template: Option<String>,
    /// Which model; the chosen one when it is not said.
    #[serde(default)]
    pub model: Option<String>,
    /// The most tokens of the answer.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// Whether the person agrees that this is sent to a server, the first time from this workspace.
    #[serde(default)]
    pub confirm: bool,
    /// Whether the model is to be asked although the same was answered before.
    #[serde(default)]
    pub fresh: bool,
    /// Tell the text while it comes, under this name.
    #[serde(default)]
    pub stream: Option<String>,
}

/// Asks for vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiEmbed {
    /// Which model; the chosen one when it is not said.
    #[serde(default)]
    pub model: Option<String>,
    /// The texts.
    pub texts: Vec<String>,
    /// Whether a text that is too long is cut, which the answer says.
    #[serde(default)]
    pub may_cut: bool,
}

/// Vectors of unit length, one for each text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AiEmbedded {
    /// Which model.
    pub model: String,
    /// The vectors.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens that were read.
    pub tokens: u32,
    /// The numbers of the texts that were cut.
    #[serde(default)]
    pub cut: Vec<usize>,
}

/// Asks for a change of some lines. Nothing is changed until hunks of the proposal are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiEdit {
    /// The file, absolute.
    pub file: PathBuf,
    /// The first line, from 1.
    pub from_line: u64,
    /// The last line.
    pub to_line: u64,
    /// Where the lines are in a document that this program has open, which then counts and not the numbers above: others may
    /// have typed above them meanwhile.
    #[serde(default)]
    pub seen: Option<AiSeen>,
    /// What is wanted.
    pub instruction: String,
    /// The name of a template that says what is wanted: `explain`, `refactor`, `document`, `test`, `fix`, `generate` or one of the person's.
    #[serde(default)]
    pub template: Option<String>,
    /// Which model; the chosen one when it is not said.
    #[serde(default)]
    pub model: Option<String>,
    /// Whether the person agrees that this is sent to a server, the first time from this workspace.
    #[serde(default)]
    pub confirm: bool,
    /// Whether the model is to be asked although the same was answered before.
    #[serde(default)]
    pub fresh: bool,
    /// Tell the text while it comes, under this name.
    #[serde(default)]
    pub stream: Option<String>,
}

/// A part of a text as a program saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiSeen {
    /// The open document.
    pub document: u64,
    /// Its revision.
    pub revision: u64,
    /// The first Unicode character, from 0.
    pub at: u64,
    /// How many characters.
    pub count: u64,
}

/// Asks for a change of several files. Nothing is changed until hunks of the proposal are accepted.
///
/// The instruction names files as a question of [`AiChat`] does; those are the ones that the model may change, besides making new ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiChange {
    /// A folder in the workspace.
    pub folder: PathBuf,
    /// What is wanted.
    pub instruction: String,
    /// The name of a template that says what is wanted.
    #[serde(default)]
    pub template: Option<String>,
    /// What `@selection` means.
    #[serde(default)]
    pub selection: Option<AiSelection>,
    /// Which model; the chosen one when it is not said.
    #[serde(default)]
    pub model: Option<String>,
    /// Whether the person agrees that this is sent to a server, the first time from this workspace.
    #[serde(default)]
    pub confirm: bool,
    /// Whether the model is to be asked although the same was answered before.
    #[serde(default)]
    pub fresh: bool,
    /// Tell the text while it comes, under this name.
    #[serde(default)]
    pub stream: Option<String>,
}

/// Lines that are selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiSelection {
    /// The file, absolute.
    pub file: PathBuf,
    /// The first line, from 1.
    pub from_line: u64,
    /// The last line.
    pub to_line: u64,
}

/// A place that an answer names and that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiCitation {
    /// The path in the workspace.
    pub path: String,
    /// The first line, from 1.
    pub line: u64,
    /// The last line.
    pub to_line: u64,
}

/// What a model proposes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiProposal {
    /// Names it until it is answered; 0 where nothing is proposed.
    pub proposal: u64,
    /// Which model.
    pub model: String,
    /// The hunks, file by file.
    pub hunks: Vec<AiHunk>,
    /// What was looked at in what the files would become.
    #[serde(default)]
    pub checks: Vec<AiCheck>,
    /// What a person should know about it, in words.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The model's answer where it is no change that can be made.
    #[serde(default)]
    pub text: Option<String>,
    /// What of the workspace the model was shown.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What was found and not shown to the model.
    #[serde(default)]
    pub left_out: Option<String>,
}

/// Something that was looked at in what a file would become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiCheck {
    /// The file's path in the workspace.
    pub path: String,
    /// What: `syntax`, `secrets`, or `whole` for an answer that broke off.
    pub check: String,
    /// Whether it is as it should be.
    pub passed: bool,
    /// What was found, in words.
    pub note: String,
}

/// A replacement that a model proposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiHunk {
    /// The file's path in the workspace.
    pub path: String,
    /// The first line, from 1, of the text that the model saw.
    pub line: u64,
    /// What goes.
    pub old: String,
    /// What comes.
    pub new: String,
    /// Why nobody should accept it without a close look: the check that it does not pass, in words.
    #[serde(default)]
    pub doubt: Option<String>,
}

/// Lists the templates that say what is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AiTemplates {}

/// The templates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiTemplateList {
    /// The templates, by name.
    pub templates: Vec<AiTemplate>,
    /// Where the person's own lie.
    pub folder: PathBuf,
}

/// What comes of a template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AiTemplateKind {
    /// An answer in words, by [`AiChat`].
    Words,
    /// A change of lines, by [`AiEdit`].
    #[default]
    Change,
}

/// A text that says what is wanted, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiTemplate {
    /// Its name.
    pub name: String,
    /// The text; `{text}` is what the person writes besides.
    pub text: String,
    /// What it is meant for; a file of the person's says it with `kind: words` or `kind: change` in its first line.
    #[serde(default)]
    pub kind: AiTemplateKind,
    /// The file of the person's that it comes from.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

/// Answers a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiAccept {
    /// Which.
    pub proposal: u64,
    /// The numbers of the hunks that are accepted, from 0.
    pub hunks: Vec<usize>,
    /// Whether the other hunks still wait for an answer; else the proposal is forgotten.
    #[serde(default)]
    pub keep: bool,
}

/// What was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiAccepted {
    /// The hunks that were made.
    pub made: Vec<usize>,
    /// The hunks whose text has changed since the model saw it: they were left alone.
    pub outdated: Vec<usize>,
}
