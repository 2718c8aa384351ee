//! The bound: the bindings in a plain loop.

use std::{num::NonZeroU32, path::Path, sync::OnceLock};

use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaModel, params::LlamaModelParams},
    sampling::LlamaSampler,
};

use crate::{BATCH_TOKENS, CONTEXT_TOKENS, GENERATED, Rates, processor, prompt};

static MODEL: OnceLock<LlamaModel> = OnceLock::new();

/// A context and nothing else.
pub(crate) struct Bare {
    model: &'static LlamaModel,
    context: LlamaContext<'static>,
}

impl Bare {
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let mut backend = LlamaBackend::init().map_err(|error| error.to_string())?;
        backend.void_logs();
        let model = LlamaModel::load_from_file(&backend, path, &LlamaModelParams::default());
        let model = MODEL.get_or_init(|| model.expect("the model that the worker has loaded"));
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(CONTEXT_TOKENS))
            .with_n_batch(BATCH_TOKENS)
            .with_n_ubatch(BATCH_TOKENS)
            .with_swa_full(true)
            .with_n_threads(1)
            .with_n_threads_batch(1);
        let context = model.new_context(&backend, params).map_err(|error| error.to_string())?;
        // Kept until the end of the process, like the model.
        std::mem::forget(backend);
        Ok(Self { model, context })
    }

    pub(crate) fn round(&mut self, number: usize) -> Result<Rates, String> {
        let wrong = |error: &dyn std::fmt::Display| error.to_string();
        let tokens = self.model.vocab().tokenize(prompt(number).as_bytes(), true, false);
        self.context.clear_kv_cache();
        let mut batch = LlamaBatch::new(BATCH_TOKENS as usize, 1);
        let mut sampler = LlamaSampler::chain([LlamaSampler::greedy()], true);
        let begin = processor::seconds("self");
        let mut position = 0;
        for chunk in tokens.chunks(BATCH_TOKENS as usize) {
            batch.clear();
            for token in chunk {
                position += 1;
                let is_last = position as usize == tokens.len();
                batch.add(*token, position - 1, &[0], is_last).map_err(|error| wrong(&error))?;
            }
            self.context.decode(&mut batch).map_err(|error| wrong(&error))?;
        }
        let mut token = sampler.sample(&self.context, batch.n_tokens() - 1);
        let read = processor::seconds("self");
        let mut piece = Vec::new();
        for _ in 0..GENERATED {
            piece.clear();
            // The text is made as any program would, and thrown away.
            self.model.vocab().token_to_piece_into(token, &mut piece, false, None);
            batch.clear();
            batch.add(token, position, &[0], true).map_err(|error| wrong(&error))?;
            position += 1;
            self.context.decode(&mut batch).map_err(|error| wrong(&error))?;
            token = sampler.sample(&self.context, 0);
        }
        let end = processor::seconds("self");
        Ok(Rates {
            prompt: tokens.len() as f64 / (read - begin),
            generate: f64::from(GENERATED) / (end - read),
        })
    }
}
