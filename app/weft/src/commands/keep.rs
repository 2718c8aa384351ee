//! `weft keep`.

use weft_node::api::{ApiError, Keep, KeepVerify};

use super::{Outcome, join::read_ticket, network_need, node::print_ready, note_unused};
use crate::{
    arguments::KeepArguments,
    connection::{Need, with_node},
    environment::Environment,
    output::Output,
    progress::ProgressView,
    text,
};

pub(super) async fn keep(
    arguments: &KeepArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    if arguments.ticket == "verify" {
        return verify(environment, output).await;
    }
    let ticket = read_ticket(&arguments.ticket)?;
    weft_node::check_ticket(&ticket)?;
    let request = Keep { ticket, timeout_seconds: arguments.timeout.as_secs_f64() };
    with_node(environment, network_need(&arguments.network), async |node| {
        note_unused(&arguments.network, node, output);
        let view = ProgressView::new(output);
        let kept = node.ask_with(request.clone(), view.sink()).await?;
        drop(view);
        output.result(&kept, text::kept)?;
        if node.is_own() {
            print_ready(node, output).await?;
            node.interrupted().await;
        }
        Ok(())
    })
    .await?;
    Ok(Outcome::Done)
}

async fn verify(environment: &Environment, output: &Output) -> Result<Outcome, ApiError> {
    let verified =
        with_node(environment, Need::DeviceForLong, async |node| node.ask(KeepVerify {}).await).await?;
    output.result(&verified, text::verified)?;
    let is_whole = verified.workspaces.iter().all(|workspace| workspace.damaged == 0);
    Ok(if is_whole { Outcome::Done } else { Outcome::NeedsPerson })
}
