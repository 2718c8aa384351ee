//! `weft ai`.

mod providers;
mod serve;

use std::io::Read as _;

use weft_node::api::{
    AiAccept, AiChange, AiChat, AiComplete, AiEdit, AiHardware, AiMessage, AiModelChoose, AiModelDownload,
    AiModelGet, AiModelImport, AiModelOffers, AiModelRemove, AiModelShare, AiModelVerify, AiModels,
    AiProposal, AiSelection, AiTemplates, ApiError,
};

use self::providers::confirmed;
use super::Outcome;
use crate::{
    arguments::{
        AiAction, AiEditArguments, ChangeArguments, ChatArguments, CompleteArguments, Lines, ModelsAction,
        ProvidersAction,
    },
    connection::{Connection, Need, with_node},
    environment::{Environment, absolute, folder_or_current, named_file},
    output::Output,
    progress::ProgressView,
    text,
};

/// The longest question on the standard input.
const QUESTION_BYTES_MAX: u64 = 1024 * 1024;

pub(super) async fn ai(
    action: &AiAction,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    match action {
        AiAction::Models(arguments) => {
            models(arguments.action.as_ref().unwrap_or(&ModelsAction::List), environment, output).await
        }
        AiAction::Providers(arguments) => {
            let action = arguments.action.as_ref().unwrap_or(&ProvidersAction::List);
            providers::providers(action, environment, output).await
        }
        AiAction::LocalOnly(arguments) => providers::local_only(arguments, environment, output).await,
        AiAction::Hardware => {
            let report =
                with_node(environment, Need::Device, async |node| node.ask(AiHardware {}).await).await?;
            output.result(&report, text::ai_hardware)?;
            Ok(Outcome::Done)
        }
        AiAction::Complete(arguments) => complete(arguments, environment, output).await,
        AiAction::Chat(arguments) => chat(arguments, environment, output).await,
        AiAction::Edit(arguments) => edit(arguments, environment, output).await,
        AiAction::Change(arguments) => change(arguments, environment, output).await,
        AiAction::Templates => {
            let list =
                with_node(environment, Need::Device, async |node| node.ask(AiTemplates {}).await).await?;
            output.result(&list, text::ai_templates)?;
            Ok(Outcome::Done)
        }
        AiAction::Serve(arguments) => serve::serve(arguments, environment, output).await,
    }
}

async fn models(
    action: &ModelsAction,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    match action {
        ModelsAction::List => {
            let list = with_node(environment, Need::Device, async |node| node.ask(AiModels {}).await).await?;
            output.result(&list, text::ai_models)?;
        }
        ModelsAction::Import { file, name } => {
            let request = AiModelImport { file: absolute(file)?, id: name.clone() };
            let model = with_node(environment, Need::DeviceForLong, async |node| {
                let view = ProgressView::new(output);
                node.ask_with(request.clone(), view.sink()).await
            });
            output.result(&model.await?, text::ai_model_added)?;
        }
        ModelsAction::Download { url, sha256, name } => {
            let request = AiModelDownload { url: url.clone(), sha256: sha256.clone(), id: name.clone() };
            let model = with_node(environment, Need::DeviceForLong, async |node| {
                let view = ProgressView::new(output);
                node.ask_with(request.clone(), view.sink()).await
            });
            output.result(&model.await?, text::ai_model_added)?;
        }
        ModelsAction::Verify { id } => {
            let request = AiModelVerify { id: id.clone() };
            let verified = with_node(environment, Need::DeviceForLong, async |node| {
                let view = ProgressView::new(output);
                node.ask_with(request.clone(), view.sink()).await
            });
            let verified = verified.await?;
            output.result(&verified, text::ai_verified)?;
            let is_whole = verified.models.iter().all(|model| model.ok);
            return Ok(if is_whole { Outcome::Done } else { Outcome::NeedsPerson });
        }
        ModelsAction::Remove { id } => {
            let request = AiModelRemove { id: id.clone() };
            let removed = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await);
            output.result(&removed.await?, text::ai_removed)?;
        }
        ModelsAction::Share { id, folder, stop } => {
            let request = AiModelShare { id: id.clone(), folder: absolute(folder)?, stop: *stop };
            let model = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await);
            output.result(&model.await?, text::ai_model_shared)?;
        }
        ModelsAction::Offers { folder } => {
            let request = AiModelOffers { folder: absolute(folder)? };
            let offered = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await);
            output.result(&offered.await?, text::ai_models_offered)?;
        }
        ModelsAction::Get { id, folder, name } => {
            let request = AiModelGet { id: id.clone(), folder: absolute(folder)?, name: name.clone() };
            let model = with_node(environment, Need::DeviceForLong, async |node| {
                let view = ProgressView::new(output);
                node.ask_with(request.clone(), view.sink()).await
            });
            output.result(&model.await?, text::ai_model_added)?;
        }
        ModelsAction::Use { id, role } => {
            let request = AiModelChoose { id: id.clone(), role: *role };
            let list = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await);
            output.result(&list.await?, text::ai_models)?;
        }
    }
    Ok(Outcome::Done)
}

async fn complete(
    arguments: &CompleteArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = AiComplete {
        file: named_file(&arguments.place.file)?,
        line: arguments.place.line,
        column: arguments.place.column,
        text: None,
        multi_line: arguments.lines,
        model: arguments.model.clone(),
        max_tokens: arguments.max_tokens,
        time_millis: None,
        alternative: 0,
        confirm: false,
        stream: None,
    };
    let answer = with_node(environment, Need::DeviceForLong, async |node| {
        confirmed(arguments.yes, output, async |confirm| {
            let view = ProgressView::new(output);
            node.ask_with(AiComplete { confirm, ..request.clone() }, view.sink()).await
        })
        .await
    });
    let answer = answer.await?;
    if let Some(left_out) = &answer.left_out {
        output.note(&format!("The model was not shown {left_out}."));
    }
    output.result(&answer, |answer, look| {
        // A program that reads the text must get it exactly; a terminal must not obey it.
        if look.is_terminal { text::verbatim(&answer.text) + "\n" } else { answer.text.clone() + "\n" }
    })?;
    Ok(Outcome::Done)
}

async fn chat(
    arguments: &ChatArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let text = question(arguments.text.as_deref())?;
    let folder = folder_or_current(arguments.folder.as_deref())?;
    let output = *output;
    let request = AiChat {
        folder: Some(folder),
        messages: vec![AiMessage { role: "user".to_owned(), text }],
        selection: arguments.selection.as_ref().map(selection).transpose()?,
        template: arguments.template.clone(),
        model: arguments.model.clone(),
        max_tokens: arguments.max_tokens,
        confirm: false,
        fresh: arguments.fresh,
        stream: None,
    };
    let answer = with_node(environment, Need::DeviceForLong, async |node| {
        confirmed(arguments.yes, &output, async |confirm| {
            let request = |stream| AiChat { confirm, stream: Some(stream), ..request.clone() };
            let view = ProgressView::new(&output);
            let sink = view.sink();
            let mut view = Some(view);
            let listener = move |text: &str| {
                // The bar goes as soon as there is something to read.
                drop(view.take());
                let shown = || if output.stdout_is_terminal { text::verbatim(text) } else { text.to_owned() };
                if output.json { true } else { output.print(&shown()).is_ok() }
            };
            node.asker().ask_streaming(request, sink, listener).await
        })
        .await
    });
    let answer = answer.await?;
    if output.json {
        output.json_line(&answer)?;
    } else {
        output.print("\n")?;
        if let Some(left_out) = &answer.left_out {
            output.note(&format!("The model was not shown {left_out}."));
        }
        output.note(&text::ai_answer(&answer));
    }
    Ok(Outcome::Done)
}

async fn edit(
    arguments: &AiEditArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = AiEdit {
        file: named_file(&arguments.lines.file)?,
        from_line: arguments.lines.from,
        to_line: arguments.lines.to,
        seen: None,
        instruction: arguments.text.clone().unwrap_or_default(),
        template: arguments.template.clone(),
        model: arguments.model.clone(),
        confirm: false,
        fresh: arguments.fresh,
        stream: None,
    };
    with_node(environment, Need::DeviceForLong, async |node| {
        let proposal = confirmed(arguments.yes, output, async |confirm| {
            let view = ProgressView::new(output);
            node.ask_with(AiEdit { confirm, ..request.clone() }, view.sink()).await
        });
        accept(node, &proposal.await?, arguments.accept.as_deref(), output).await
    })
    .await?;
    Ok(Outcome::Done)
}

async fn change(
    arguments: &ChangeArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = AiChange {
        folder: folder_or_current(arguments.folder.as_deref())?,
        instruction: question(arguments.text.as_deref())?,
        template: arguments.template.clone(),
        selection: arguments.selection.as_ref().map(selection).transpose()?,
        model: arguments.model.clone(),
        confirm: false,
        fresh: arguments.fresh,
        stream: None,
    };
    with_node(environment, Need::DeviceForLong, async |node| {
        let proposal = confirmed(arguments.yes, output, async |confirm| {
            let view = ProgressView::new(output);
            node.ask_with(AiChange { confirm, ..request.clone() }, view.sink()).await
        });
        accept(node, &proposal.await?, arguments.accept.as_deref(), output).await
    })
    .await?;
    Ok(Outcome::Done)
}

/// What was typed, or what comes on the standard input.
fn question(text: Option<&str>) -> Result<String, ApiError> {
    if let Some(text) = text {
        return Ok(text.to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().take(QUESTION_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| ApiError::usage(format!("standard input cannot be read as text: {error}")))?;
    Ok(text)
}

fn selection(lines: &Lines) -> Result<AiSelection, ApiError> {
    Ok(AiSelection { file: named_file(&lines.file)?, from_line: lines.from, to_line: lines.to })
}

/// Shows a proposal, and makes what is accepted of it.
async fn accept(
    node: &Connection,
    proposal: &AiProposal,
    accepted: Option<&str>,
    output: &Output,
) -> Result<(), ApiError> {
    output.result(proposal, text::ai_proposal)?;
    let hunks = chosen(accepted, proposal, output)?;
    if hunks.is_empty() {
        output.note("Nothing was changed.");
        return Ok(());
    }
    answer(node, proposal, hunks, output).await
}

async fn answer(
    node: &Connection,
    proposal: &AiProposal,
    hunks: Vec<usize>,
    output: &Output,
) -> Result<(), ApiError> {
    let accepted = node.ask(AiAccept { proposal: proposal.proposal, hunks, keep: false }).await?;
    output.result(&accepted, text::ai_accepted)
}

/// The hunks that are accepted: as the arguments say, or each as the person answers.
fn chosen(accept: Option<&str>, proposal: &AiProposal, output: &Output) -> Result<Vec<usize>, ApiError> {
    let all = 0..proposal.hunks.len();
    match accept {
        Some("all") => Ok(all.collect()),
        Some(list) => list
            .split(',')
            .map(|number| {
                let number = number.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                number.filter(|index| all.contains(index)).ok_or_else(|| {
                    ApiError::usage(format!("the proposal has the hunks 1 to {}", proposal.hunks.len()))
                        .data_state("nothing was changed")
                })
            })
            .collect(),
        None if output.can_ask() => {
            let mut hunks = Vec::new();
            for index in all {
                if output.ask(&format!("Accept hunk {}?", index + 1), false)? {
                    hunks.push(index);
                }
            }
            Ok(hunks)
        }
        None => Ok(Vec::new()),
    }
}
