//! Language models, and what they say.

use weft_node::api::{
    AiAccepted, AiAnswer, AiDevice, AiHardwareReport, AiModel, AiModelList, AiModelRemoved, AiModelsOffered,
    AiModelsVerified, AiProposal, AiProvider, AiProviderList, AiProviderRemoved, AiProviderTested,
    AiTemplateList, Policies, Purpose,
};

use super::{Look, Tone, bytes, count, plain, table::Table, units::counted, verbatim};

fn role(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Completion => "completion",
        Purpose::Chat => "chat",
        Purpose::Embedding => "embedding",
    }
}

fn roles(purposes: &[Purpose]) -> String {
    purposes.iter().map(role).collect::<Vec<_>>().join(", ")
}

fn parameters(number: u64) -> String {
    match number {
        0 => String::new(),
        1_000_000_000.. => format!("{:.1} B", number as f64 / 1e9),
        1_000_000.. => format!("{} M", number / 1_000_000),
        _ => count(number),
    }
}

fn why(model: &AiModel) -> String {
    match &model.shared_in[..] {
        [] => model.why.clone(),
        places => format!("{}; shared in {}", model.why, places.join(", ")),
    }
}

fn rows(models: &[AiModel], look: &Look) -> String {
    let mut rows = Table::default();
    for model in models {
        let fits = if model.fits {
            look.paint(Tone::Good, "fits".to_owned())
        } else {
            look.paint(Tone::Bad, "does not fit".to_owned())
        };
        let chosen = if model.chosen_for.is_empty() {
            format!("for {}", roles(&model.roles))
        } else {
            format!("asked for {}", roles(&model.chosen_for))
        };
        rows.row([
            look.paint(Tone::Heading, plain(&model.id)),
            parameters(model.parameters),
            bytes(model.bytes),
            chosen,
            if model.is_loaded { "in memory".to_owned() } else { fits },
            look.paint(Tone::Faint, plain(&why(model))),
        ]);
    }
    rows.render(0)
}

pub(crate) fn ai_models(list: &AiModelList, look: &Look) -> String {
    if list.models.is_empty() {
        return "There are no models on this device.\n`weft ai models import FILE` takes a GGUF file in, `weft ai \
                models download URL` fetches one.\n"
            .to_owned();
    }
    rows(&list.models, look)
}

pub(crate) fn ai_model_added(model: &AiModel, look: &Look) -> String {
    let license = model.license.as_deref().map_or_else(|| "not said".to_owned(), plain);
    format!(
        "{} is here: {}, {}, licence {}.\n  SHA-256 {}\n  It {}.\n",
        look.paint(Tone::Heading, plain(&model.id)),
        model.name.as_deref().map_or_else(|| "a model".to_owned(), plain),
        bytes(model.bytes),
        license,
        model.sha256,
        plain(&model.why)
    )
}

pub(crate) fn ai_model_shared(model: &AiModel, look: &Look) -> String {
    let id = look.paint(Tone::Heading, plain(&model.id));
    if model.shared_in.is_empty() {
        return format!("{id} is shared with nobody.\n");
    }
    let places = model.shared_in.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    format!(
        "{id} can be fetched from this device by the members of {places}.\nThey do so with `weft ai models get {}`, \
         while this device is connected.\n",
        plain(&model.id)
    )
}

pub(crate) fn ai_models_offered(offered: &AiModelsOffered, look: &Look) -> String {
    let asked = counted(offered.devices_asked as u64, "connected device");
    if offered.models.is_empty() {
        return match offered.devices_asked {
            0 => "No device of another member is connected: nobody can be asked.\n".to_owned(),
            _ => format!(
                "Of {asked} none shares a model.\n`weft ai models share MODEL` shares one of yours.\n"
            ),
        };
    }
    let mut rows = Table::default();
    for model in &offered.models {
        let holders =
            model.holders.iter().map(|holder| format!("{} · {}", holder.user_name, holder.device_name));
        let license = model.license.as_deref().map(|license| format!("licence {}", plain(license)));
        let here = if model.is_here { look.paint(Tone::Good, "here".to_owned()) } else { String::new() };
        rows.row([
            look.paint(Tone::Heading, plain(&model.id)),
            bytes(model.bytes),
            format!("for {}", roles(&model.roles)),
            license.unwrap_or_default(),
            plain(&holders.collect::<Vec<_>>().join(", ")),
            look.paint(Tone::Faint, model.sha256.chars().take(12).collect::<String>()),
            here,
        ]);
    }
    rows.render(0) + "`weft ai models get MODEL` fetches one.\n"
}

pub(crate) fn ai_verified(verified: &AiModelsVerified, look: &Look) -> String {
    let mut rows = Table::default();
    for model in &verified.models {
        let result = match &model.finding {
            None => look.paint(Tone::Good, "as it was".to_owned()),
            Some(finding) => look.paint(Tone::Bad, plain(finding)),
        };
        rows.row([plain(&model.id), result]);
    }
    if verified.models.is_empty() {
        "There are no models on this device.\n".to_owned()
    } else {
        rows.render(0)
    }
}

pub(crate) fn ai_removed(removed: &AiModelRemoved, _look: &Look) -> String {
    format!("{} is deleted, {} are free again.\n", plain(&removed.id), bytes(removed.bytes))
}

pub(crate) fn ai_providers(list: &AiProviderList, look: &Look) -> String {
    if list.providers.is_empty() {
        return "There are no servers: only models on this device are asked.\n`weft ai providers add` makes one known.\n"
            .to_owned();
    }
    let mut rows = Table::default();
    for provider in &list.providers {
        let chosen = match &provider.chosen_for[..] {
            [] => "asked when it is named".to_owned(),
            chosen => format!("asked for {}", roles(chosen)),
        };
        let agreed = provider.confirmed.iter().map(|name| match name.as_str() {
            "" => "what is of no workspace".to_owned(),
            name => plain(name),
        });
        let agreed: Vec<String> = agreed.collect();
        let agreed = match &agreed[..] {
            [] => "nothing was sent yet".to_owned(),
            agreed => format!("agreed to for {}", agreed.join(", ")),
        };
        rows.row([
            look.paint(Tone::Heading, plain(&provider.id)),
            provider.kind.name().to_owned(),
            plain(&provider.model),
            plain(&provider.url),
            if provider.has_key { "with a key".to_owned() } else { "no key".to_owned() },
            chosen,
            look.paint(Tone::Faint, agreed),
        ]);
    }
    rows.render(0)
}

pub(crate) fn ai_provider_added(provider: &AiProvider, look: &Look) -> String {
    let key = if provider.has_key { "its key lies sealed in the store" } else { "it has no key" };
    let id = plain(&provider.id);
    format!(
        "{} is known: {} at {}, {key}.\nNothing is sent to it before you ask it: `weft ai providers test {id}` tries it, `--model {id}` names \
         it, `weft ai models use {id} --for chat` asks it always.\n",
        look.paint(Tone::Heading, id.clone()),
        plain(&provider.model),
        plain(&provider.url),
    )
}

pub(crate) fn ai_provider_removed(removed: &AiProviderRemoved, _look: &Look) -> String {
    format!("{} is forgotten, and its key if it had one.\n", plain(&removed.id))
}

pub(crate) fn ai_provider_tested(tested: &AiProviderTested, look: &Look) -> String {
    let said = plain(tested.text.trim());
    format!(
        "{} {} answers in {:.1} s: {said}\n",
        look.paint(Tone::Good, "✓"),
        plain(&tested.id),
        tested.seconds
    )
}

pub(crate) fn ai_local_only(policies: &Policies, _look: &Look) -> String {
    match policies.ai_local_only {
        true => "on: only models on the members' own devices are asked about this workspace\n".to_owned(),
        false => "off: a member who has added a server may ask it about this workspace\n".to_owned(),
    }
}

fn card(device: &AiDevice) -> String {
    let (all, free) = (bytes(device.memory_bytes), bytes(device.memory_free_bytes));
    format!("Card       {} ({}), {all}, {free} free\n", plain(&device.name), plain(&device.backend))
}

pub(crate) fn ai_hardware(report: &AiHardwareReport, look: &Look) -> String {
    let memory = |bytes_of: Option<u64>| bytes_of.map_or_else(|| "not known".to_owned(), bytes);
    let mut text = format!(
        "Processor  {} cores, models compute with {}\nMemory     {}, {} free\nComputes   {}\n{cards}\n{advice}\n",
        report.cores,
        counted(report.threads, "thread"),
        memory(report.memory_bytes),
        memory(report.memory_free_bytes),
        if report.backends.is_empty() {
            "nothing: the engine was left out of this build".to_owned()
        } else {
            report.backends.join(", ")
        },
        cards = report.devices.iter().map(card).collect::<String>(),
        advice = report.advice
    );
    if !report.models.is_empty() {
        text.push('\n');
        text.push_str(&rows(&report.models, look));
    }
    text
}

/// A line below an answer.
pub(crate) fn ai_answer(answer: &AiAnswer) -> String {
    let mut parts = vec![
        plain(&answer.model),
        // Not every server says how many tokens it made.
        match answer.tokens {
            0 => format!("{:.1} s", answer.seconds),
            tokens => format!("{} tokens in {:.1} s", count(u64::from(tokens)), answer.seconds),
        },
    ];
    match answer.finish.as_str() {
        "max_tokens" => parts.push("cut off at the number of tokens that was asked for".to_owned()),
        "context_full" => parts.push("cut off: the model's context is full".to_owned()),
        "repeating" => parts.push("stopped: the model repeated itself".to_owned()),
        "deadline" => parts.push("stopped: the time was up".to_owned()),
        "withheld" => parts.push("cut off: the server holds the rest back".to_owned()),
        _ => {}
    }
    if answer.is_repeated {
        parts.push("as it was answered before; --fresh asks again".to_owned());
    }
    if !answer.citations.is_empty() {
        let places = answer.citations.iter().map(|place| match place.line == place.to_line {
            true => format!("{}:{}", plain(&place.path), place.line),
            false => format!("{}:{}-{}", plain(&place.path), place.line, place.to_line),
        });
        parts.push(format!("names {}", places.collect::<Vec<_>>().join(", ")));
    }
    if !answer.sources.is_empty() {
        let sources: Vec<String> = answer.sources.iter().map(|source| plain(source)).collect();
        parts.push(format!("was shown {}", sources.join(", ")));
    }
    format!("({})", parts.join(" · "))
}

pub(crate) fn ai_templates(list: &AiTemplateList, look: &Look) -> String {
    let mut rows = Table::default();
    for template in &list.templates {
        let from = match &template.file {
            Some(file) => format!("yours: {}", plain(&file.display().to_string())),
            None => "comes with Weft".to_owned(),
        };
        let name = look.paint(Tone::Heading, plain(&template.name));
        rows.row([name, plain(template.text.trim()), look.paint(Tone::Faint, from)]);
    }
    let folder = plain(&list.folder.display().to_string());
    format!(
        "{}\nA file NAME.txt in {folder} is a template of your own, or takes the place of one of these; {{text}} in it is what you type besides.\n",
        rows.render(0)
    )
}

pub(crate) fn ai_proposal(proposal: &AiProposal, look: &Look) -> String {
    let mut text = String::new();
    if let Some(left_out) = &proposal.left_out {
        text.push_str(&format!("The model was not shown {}.\n", plain(left_out)));
    }
    if let Some(answer) = &proposal.text {
        let warnings: Vec<String> = proposal.warnings.iter().map(|warning| plain(warning)).collect();
        text.push_str(&format!(
            "{} answered twice with what is no change: {}.\n\n{}\n",
            plain(&proposal.model),
            warnings.join(", "),
            verbatim(answer.trim_end())
        ));
        return text;
    }
    if proposal.hunks.is_empty() {
        return format!("{text}{} would change nothing.\n", plain(&proposal.model));
    }
    let mut file = None;
    for (index, hunk) in proposal.hunks.iter().enumerate() {
        if file.replace(&hunk.path) != Some(&hunk.path) {
            text.push_str(&format!("{}\n", look.paint(Tone::Heading, plain(&hunk.path))));
            for check in proposal.checks.iter().filter(|check| check.path == hunk.path) {
                let (sign, tone) = if check.passed { ("✓", Tone::Good) } else { ("✗", Tone::Bad) };
                text.push_str(&format!("  {} {}\n", look.paint(tone, sign.to_owned()), plain(&check.note)));
            }
        }
        let head = format!("hunk {} at line {}", index + 1, hunk.line);
        text.push_str(&format!("{}\n", look.paint(Tone::Heading, head)));
        if let Some(doubt) = &hunk.doubt {
            text.push_str(&format!("  {} {}\n", look.paint(Tone::Bad, "✗".to_owned()), plain(doubt)));
        }
        for line in hunk.old.lines() {
            text.push_str(&format!("{}\n", look.paint(Tone::Bad, format!("-{}", verbatim(line)))));
        }
        for line in hunk.new.lines() {
            text.push_str(&format!("{}\n", look.paint(Tone::Good, format!("+{}", verbatim(line)))));
        }
    }
    text
}

pub(crate) fn ai_accepted(accepted: &AiAccepted, _look: &Look) -> String {
    let numbers =
        |hunks: &[usize]| hunks.iter().map(|index| (index + 1).to_string()).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    if !accepted.made.is_empty() {
        text.push_str(&format!("Made hunk {}.\n", numbers(&accepted.made)));
    }
    if !accepted.outdated.is_empty() {
        text.push_str(&format!(
            "Left alone hunk {}: its text has changed since the model saw it.\n",
            numbers(&accepted.outdated)
        ));
    }
    text
}
