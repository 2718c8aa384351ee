//! Chooses the next token, held to a grammar where one is given.

use llama_cpp_2::{
    context::LlamaContext,
    sampling::LlamaSampler,
    token::{LlamaToken, data::LlamaTokenData, data_array::LlamaTokenDataArray},
};
use weft_ai::{
    request::{Constraint, Failure, FailureKind, Sampling},
    schema,
};

use super::model::Model;

pub(super) struct Chooser {
    chain: LlamaSampler,
    grammar: Option<LlamaSampler>,
}

/// Tokens that a penalty for repeating looks back at.
const PENALTY_TOKENS: i32 = 256;

impl Chooser {
    pub(super) fn new(
        model: &Model,
        sampling: &Sampling,
        constraint: Option<&Constraint>,
    ) -> Result<Self, Failure> {
        let grammar = match constraint {
            None => None,
            Some(Constraint::Grammar(text)) => Some(grammar(model, text)?),
            Some(Constraint::JsonSchema(text)) => {
                let made = schema::grammar(text)
                    .map_err(|error| Failure::new(FailureKind::Unfit, error.to_string()))?;
                Some(grammar(model, &made)?)
            }
        };
        Ok(Self { chain: chain(model, sampling), grammar })
    }

    /// The next token behind row `row` of the last batch; `None` when the grammar allows nothing more.
    pub(super) fn choose(&mut self, context: &LlamaContext<'_>, row: i32) -> Option<LlamaToken> {
        let Some(grammar) = &mut self.grammar else { return Some(self.chain.sample(context, row)) };
        // A grammar looks at each token of the vocabulary: first it is only asked about the one that would be taken.
        let mut all = context.token_data_array_ith(row);
        let mut free = all.clone();
        self.chain.apply(&mut free);
        if let Some(token) = free.selected_token().filter(|token| allows(grammar, *token)) {
            self.chain.accept(token);
            return Some(token);
        }
        grammar.apply(&mut all);
        all.data.retain(|data| data.logit().is_finite());
        if all.data.is_empty() {
            return None;
        }
        self.chain.apply(&mut all);
        let token = all.selected_token()?;
        self.chain.accept(token);
        Some(token)
    }

    /// Tells the grammar what was chosen; not for the token that ends the answer.
    pub(super) fn accept(&mut self, token: LlamaToken) {
        if let Some(grammar) = &mut self.grammar {
            grammar.accept(token);
        }
    }
}

fn allows(grammar: &mut LlamaSampler, token: LlamaToken) -> bool {
    let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(token, 1.0, 0.0)], false);
    grammar.apply(&mut one);
    one.data.first().is_some_and(|data| data.logit().is_finite())
}

fn grammar(model: &Model, text: &str) -> Result<LlamaSampler, Failure> {
    LlamaSampler::grammar(model.llama(), text, "root").map_err(|error| {
        Failure::new(FailureKind::Unfit, format!("the grammar is not understood: {error}"))
            .hint("it needs a rule `root`, in the notation of GBNF")
    })
}

fn chain(model: &Model, sampling: &Sampling) -> LlamaSampler {
    let mut samplers = Vec::new();
    let is_penal = sampling.repeat_penalty != 1.0
        || sampling.frequency_penalty != 0.0
        || sampling.presence_penalty != 0.0;
    if is_penal {
        samplers.push(LlamaSampler::penalties(
            model.llama().n_vocab(),
            PENALTY_TOKENS,
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        ));
    }
    if sampling.temperature <= 0.0 {
        samplers.push(LlamaSampler::greedy());
        return LlamaSampler::chain(samplers, true);
    }
    if sampling.top_k > 0 {
        samplers.push(LlamaSampler::top_k(sampling.top_k));
    }
    if sampling.top_p < 1.0 {
        samplers.push(LlamaSampler::top_p(sampling.top_p.max(0.0), 1));
    }
    if sampling.min_p > 0.0 {
        samplers.push(LlamaSampler::min_p(sampling.min_p.min(1.0), 1));
    }
    samplers.push(LlamaSampler::temp(sampling.temperature));
    samplers.push(LlamaSampler::dist(sampling.seed));
    LlamaSampler::chain(samplers, true)
}
