//! A loaded model: its vocabulary, its form of chats, its numbers.

use std::{fs::File, io::BufReader};

use llama_cpp_2::{
    llama_backend::LlamaBackend,
    model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel, params::LlamaModelParams},
    token::LlamaToken,
};
use weft_ai::{
    batching::Token,
    fill::{self, FillPrompt, FillTokens, Vocabulary},
    gguf::{self, GgufSummary},
    pipe::{Device, Load},
    request::{Failure, FailureKind, Fill, Message, Speaker},
};

use super::devices;

/// A context that nobody asked to be of a size is not larger than this.
const CONTEXT_TOKENS_USUAL: u32 = 8192;

pub(super) struct Model {
    llama: LlamaModel,
    summary: GgufSummary,
    template: Option<LlamaChatTemplate>,
    device: String,
}

impl Model {
    pub(super) fn load(backend: &LlamaBackend, load: &Load) -> Result<Self, Failure> {
        let bad = |what: String| {
            Failure::new(FailureKind::BadModel, what).hint("`weft ai models verify` checks it")
        };
        let file =
            File::open(&load.path).map_err(|error| bad(format!("the model file cannot be read: {error}")))?;
        let bytes =
            file.metadata().map_err(|error| bad(format!("the model file cannot be read: {error}")))?.len();
        let summary = gguf::read(BufReader::new(file), bytes).map_err(|error| bad(error.to_string()))?;
        let cards = devices();
        let free = cards.iter().fold(0u64, |sum, card| sum.saturating_add(card.memory_free_bytes));
        let context = match load.context_tokens {
            0 => summary.context_tokens.min(u64::from(CONTEXT_TOKENS_USUAL)),
            asked => u64::from(asked),
        };
        let layers = load.gpu_layers.min(summary.layers_that_fit(context, free));
        let params = LlamaModelParams::default().with_n_gpu_layers(layers);
        let llama = LlamaModel::load_from_file(backend, &load.path, &params)
            .map_err(|_| bad("the model cannot be loaded".to_owned()))?;
        // Named templates are not asked for: the bindings lose their name.
        let template = llama.chat_template(None).ok();
        let device = device(&cards, layers, summary.blocks);
        Ok(Self { llama, summary, template, device })
    }

    pub(super) fn llama(&self) -> &LlamaModel {
        &self.llama
    }

    pub(super) fn summary(&self) -> &GgufSummary {
        &self.summary
    }

    pub(super) fn is_embedding(&self) -> bool {
        self.summary.is_embedding()
    }

    pub(super) fn device(&self) -> String {
        self.device.clone()
    }

    pub(super) fn can_chat(&self) -> bool {
        let probe = [Message { speaker: Speaker::User, text: "a".to_owned() }];
        self.form(&probe).is_some()
    }

    pub(super) fn context_tokens(&self, asked: u32) -> u32 {
        let made_for = self.llama.n_ctx_train().max(1);
        if asked == 0 { made_for.min(CONTEXT_TOKENS_USUAL) } else { asked }
    }

    /// The bytes that a token stands for; none for control tokens.
    pub(super) fn piece(&self, token: LlamaToken, bytes: &mut Vec<u8>) {
        bytes.clear();
        // A token that the vocabulary lacks has no text.
        self.llama.vocab().token_to_piece_into(token, bytes, false, None);
    }

    pub(super) fn raw(&self, text: &str) -> Vec<Token> {
        let mut tokens: Vec<Token> = self.beginning().into_iter().collect();
        tokens.extend(self.tokens(text));
        tokens
    }

    pub(super) fn fill(&self, fill: &Fill, budget: usize) -> FillPrompt {
        fill::prompt(fill, self, budget)
    }

    /// A chat in the model's own form. What people wrote stays text, also where it looks like a control token.
    pub(super) fn chat(&self, messages: &[Message]) -> Vec<Token> {
        let mut tokens: Vec<Token> = self.beginning().into_iter().collect();
        match self.form(messages) {
            Some(parts) => {
                for part in parts {
                    match part {
                        Part::Form(text) => {
                            let vocabulary = self.llama.vocab();
                            let made = vocabulary.tokenize(text.as_bytes(), false, true).into_iter();
                            let made = made.map(|token| Token(token.0));
                            let first = self.beginning();
                            // Some forms write the beginning of a sequence themselves.
                            tokens.extend(made.skip_while(|token| Some(*token) == first));
                        }
                        Part::Text(index) => tokens.extend(self.tokens(&messages[index].text)),
                    }
                }
            }
            None => tokens.extend(self.tokens(&plain_form(messages))),
        }
        tokens
    }

    /// The form around the messages, from the template with a mark in the place of each text.
    fn form(&self, messages: &[Message]) -> Option<Vec<Part>> {
        let template = self.template.as_ref()?;
        let mark = |index: usize| format!("\u{e000}{index}\u{e001}");
        let marked: Result<Vec<_>, _> = messages
            .iter()
            .enumerate()
            .map(|(index, message)| LlamaChatMessage::new(message.speaker.name().to_owned(), mark(index)))
            .collect();
        let mut rest = self.llama.apply_chat_template(template, &marked.ok()?, true).ok()?;
        let mut parts = Vec::new();
        for index in 0..messages.len() {
            // A form may leave a message out, such as what the system says.
            let Some(at) = rest.find(&mark(index)) else { continue };
            parts.push(Part::Form(rest[..at].to_owned()));
            parts.push(Part::Text(index));
            rest = rest[at + mark(index).len()..].to_owned();
        }
        parts.push(Part::Form(rest));
        Some(parts)
    }
}

enum Part {
    Form(String),
    /// The text of the message of this number.
    Text(usize),
}

/// A model without a form of its own reads a transcript.
fn plain_form(messages: &[Message]) -> String {
    let name = |speaker| match speaker {
        Speaker::System => "Instructions",
        Speaker::User => "Question",
        Speaker::Assistant => "Answer",
    };
    let lines = messages.iter().map(|message| format!("{}: {}\n\n", name(message.speaker), message.text));
    lines.collect::<String>() + "Answer:"
}

impl Vocabulary for Model {
    fn tokens(&self, text: &str) -> Vec<Token> {
        let tokens = self.llama.vocab().tokenize(text.as_bytes(), false, false);
        tokens.into_iter().map(|token| Token(token.0)).collect()
    }

    fn fill(&self) -> Option<FillTokens> {
        let vocabulary = self.llama.vocab();
        let known = |token: LlamaToken| (token.0 >= 0).then_some(Token(token.0));
        Some(FillTokens {
            prefix: known(vocabulary.fim_pre())?,
            suffix: known(vocabulary.fim_suf())?,
            middle: known(vocabulary.fim_mid())?,
            repository: known(vocabulary.fim_rep()),
            file: known(vocabulary.fim_sep()),
        })
    }

    fn beginning(&self) -> Option<Token> {
        let vocabulary = self.llama.vocab();
        (vocabulary.should_add_bos() && vocabulary.bos().0 >= 0).then_some(Token(vocabulary.bos().0))
    }
}

/// Where the layers are computed.
fn device(cards: &[Device], layers: u32, all: u64) -> String {
    if cards.is_empty() || layers == 0 {
        return "cpu".to_owned();
    }
    let names = cards.iter().map(|card| card.name.as_str()).collect::<Vec<_>>().join(", ");
    // The output counts as one more.
    match u64::from(layers) > all {
        true => names,
        false => format!("{names} ({layers} of {} layers), cpu", all + 1),
    }
}

/// Threads to compute with.
pub(super) fn threads(load: &Load) -> i32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if load.threads == 0 { cores.saturating_sub(1).max(1) } else { load.threads as usize };
    i32::try_from(threads.min(64)).unwrap_or(1)
}
