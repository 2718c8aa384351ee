//! A model of random numbers: two layers, bytes for tokens, the control tokens of code models. It says nonsense, always
//! the same, in a millisecond a token.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::gguf::{GgufWriter, Kind};

const LAYERS: usize = 2;
const NUMBERS: usize = 64;
const HEADS: usize = 4;
const HEADS_KEPT: usize = 2;
const FEED_FORWARD: usize = 2 * NUMBERS;
/// Tokens that the tiny model reads.
pub const CONTEXT_TOKENS: u32 = 4096;

const CONTROL: [&str; 9] = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
];
const MERGES: [&str; 10] = ["Ġ Ġ", "ĠĠ ĠĠ", "i n", "e r", "r e", "Ġ =", "f n", "l e", "t h", "o n"];
const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// The model file, the same bytes for the same seed.
#[must_use]
pub fn model(seed: u64) -> Vec<u8> {
    named(seed, "qwen2", LAYERS as u32)
}

/// The same with another architecture or number of layers, which need not be true.
#[must_use]
pub fn named(seed: u64, architecture: &str, layers: u32) -> Vec<u8> {
    let mut file = GgufWriter::new(architecture);
    let key = |name: &str| format!("{architecture}.{name}");
    file.text("general.name", "weft-tiny");
    file.number(&key("context_length"), CONTEXT_TOKENS);
    file.number(&key("embedding_length"), NUMBERS as u32);
    file.number(&key("block_count"), layers);
    file.number(&key("feed_forward_length"), FEED_FORWARD as u32);
    file.number(&key("attention.head_count"), HEADS as u32);
    file.number(&key("attention.head_count_kv"), HEADS_KEPT as u32);
    file.fraction(&key("attention.layer_norm_rms_epsilon"), 1e-6);
    file.fraction(&key("rope.freq_base"), 10_000.0);
    let vocabulary = vocabulary(&mut file);
    tensors(&mut file, vocabulary, seed);
    file.finish()
}

/// Writes the vocabulary, and gives its length.
fn vocabulary(file: &mut GgufWriter) -> usize {
    let mut tokens: Vec<String> = (0..=255).map(|byte| letter(byte).to_string()).collect();
    tokens.extend(MERGES.iter().map(|merge| merge.replace(' ', "")));
    let first = tokens.len();
    tokens.extend(CONTROL.iter().map(|name| (*name).to_owned()));
    let id = |name: &str| (first + CONTROL.iter().position(|known| *known == name).unwrap_or(0)) as u32;
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "qwen2");
    file.texts("tokenizer.ggml.tokens", &tokens);
    let types: Vec<i32> = (0..tokens.len()).map(|index| if index < first { 1 } else { 3 }).collect();
    file.numbers("tokenizer.ggml.token_type", &types);
    file.texts("tokenizer.ggml.merges", &MERGES);
    file.number("tokenizer.ggml.bos_token_id", id("<|endoftext|>"));
    file.number("tokenizer.ggml.eos_token_id", id("<|endoftext|>"));
    file.number("tokenizer.ggml.fim_pre_token_id", id("<|fim_prefix|>"));
    file.number("tokenizer.ggml.fim_suf_token_id", id("<|fim_suffix|>"));
    file.number("tokenizer.ggml.fim_mid_token_id", id("<|fim_middle|>"));
    file.flag("tokenizer.ggml.add_bos_token", false);
    file.text("tokenizer.chat_template", TEMPLATE);
    tokens.len()
}

/// The letter that stands for a byte in vocabularies of this kind (GPT-2's `bytes_to_unicode`).
fn letter(byte: u8) -> char {
    let is_own = |byte: u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    if is_own(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !is_own(*byte)).count() as u32;
    char::from_u32(256 + before).unwrap_or(' ')
}

fn tensors(file: &mut GgufWriter, vocabulary: usize, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Uniform numbers of the same spread as normal ones of 0.08.
    let mut random =
        |count: usize| -> Vec<f32> { (0..count).map(|_| rng.random_range(-0.14..0.14)).collect() };
    let kept = NUMBERS * HEADS_KEPT / HEADS;
    let mut matrix = |file: &mut GgufWriter, name: &str, row: usize, rows: usize| {
        let numbers = random(row * rows);
        file.tensor(name, &[row, rows], Kind::F32, &numbers);
    };
    let same = |file: &mut GgufWriter, name: &str, length: usize, value: f32| {
        file.tensor(name, &[length], Kind::F32, &vec![value; length]);
    };
    matrix(file, "token_embd.weight", NUMBERS, vocabulary);
    matrix(file, "output.weight", NUMBERS, vocabulary);
    same(file, "output_norm.weight", NUMBERS, 1.0);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}");
        same(file, &name("attn_norm.weight"), NUMBERS, 1.0);
        same(file, &name("ffn_norm.weight"), NUMBERS, 1.0);
        for (part, rows) in [("attn_q", NUMBERS), ("attn_k", kept), ("attn_v", kept)] {
            matrix(file, &name(&format!("{part}.weight")), NUMBERS, rows);
            same(file, &name(&format!("{part}.bias")), rows, 0.0);
        }
        matrix(file, &name("attn_output.weight"), NUMBERS, NUMBERS);
        matrix(file, &name("ffn_gate.weight"), NUMBERS, FEED_FORWARD);
        matrix(file, &name("ffn_up.weight"), NUMBERS, FEED_FORWARD);
        matrix(file, &name("ffn_down.weight"), FEED_FORWARD, NUMBERS);
    }
}
