//! Makes a model file of the weights of a small BERT as sentence-transformers publishes them: `config.json`,
//! `tokenizer.json` and `model.safetensors` in a folder.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::gguf::{GgufWriter, Kind};

/// What may be wrong with the folder.
pub type Error = Box<dyn std::error::Error>;

/// Reads the folder and gives the model file, with matrices in 8 bits.
///
/// # Errors
/// When something is missing or not what it should be.
pub fn convert(folder: &Path) -> Result<Vec<u8>, Error> {
    let json =
        |name: &str| -> Result<Value, Error> { Ok(serde_json::from_slice(&fs::read(folder.join(name))?)?) };
    let (config, tokenizer) = (json("config.json")?, json("tokenizer.json")?);
    let mut file = GgufWriter::new("bert");
    file.text("general.name", "all-MiniLM-L6-v2");
    file.text("general.license", "apache-2.0");
    for (key, name) in [
        ("bert.context_length", "max_position_embeddings"),
        ("bert.embedding_length", "hidden_size"),
        ("bert.feed_forward_length", "intermediate_size"),
        ("bert.block_count", "num_hidden_layers"),
        ("bert.attention.head_count", "num_attention_heads"),
        ("tokenizer.ggml.token_type_count", "type_vocab_size"),
    ] {
        let value = config[name].as_u64().ok_or_else(|| format!("config.json has no {name}"))?;
        file.number(key, u32::try_from(value)?);
    }
    let epsilon = config["layer_norm_eps"].as_f64().unwrap_or(1e-12);
    file.fraction("bert.attention.layer_norm_epsilon", epsilon as f32);
    file.flag("bert.attention.causal", false);
    // The mean of the vectors of all tokens.
    file.number("bert.pooling_type", 1);
    vocabulary(&mut file, &tokenizer)?;
    let bytes = fs::read(folder.join("model.safetensors"))?;
    for (name, (dimensions, numbers)) in safetensors(&bytes)? {
        let Some(ours) = name_of(&name) else { continue };
        let is_matrix =
            dimensions.len() == 2 && !ours.starts_with("position") && !ours.starts_with("token_types");
        let kind = if is_matrix { Kind::Q8 } else { Kind::F32 };
        let row_first: Vec<usize> = dimensions.into_iter().rev().collect();
        file.tensor(&ours, &row_first, kind, &numbers);
    }
    Ok(file.finish())
}

/// WordPiece, with the mark of a word's beginning where the engine expects it.
fn vocabulary(file: &mut GgufWriter, tokenizer: &Value) -> Result<(), Error> {
    let words = tokenizer["model"]["vocab"].as_object().ok_or("tokenizer.json has no vocabulary")?;
    let id = |name: &str| -> Result<u32, Error> {
        let id = words.get(name).and_then(Value::as_u64).ok_or_else(|| format!("there is no {name}"))?;
        Ok(u32::try_from(id)?)
    };
    let length =
        words.values().filter_map(Value::as_u64).max().ok_or("the vocabulary is empty")? as usize + 1;
    let mut tokens: Vec<String> = (0..length).map(|index| format!("[PAD{index}]")).collect();
    let mut types = vec![1; length];
    let special = tokenizer["added_tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
    for token in special.iter().filter(|token| token["special"] == true) {
        if let Some(kind) = token["id"].as_u64().and_then(|id| types.get_mut(id as usize)) {
            *kind = 3;
        }
    }
    for (word, id) in words {
        let Some(index) = id.as_u64().map(|id| id as usize) else { continue };
        tokens[index] = match word.strip_prefix("##") {
            _ if types[index] == 3 => word.clone(),
            Some(rest) => rest.to_owned(),
            None => format!("\u{2581}{word}"),
        };
    }
    file.text("tokenizer.ggml.model", "bert");
    file.text("tokenizer.ggml.pre", "default");
    file.texts("tokenizer.ggml.tokens", &tokens);
    file.numbers("tokenizer.ggml.token_type", &types);
    for (key, name) in [("bos", "[CLS]"), ("unknown", "[UNK]"), ("padding", "[PAD]"), ("mask", "[MASK]")] {
        file.number(&format!("tokenizer.ggml.{key}_token_id"), id(name)?);
    }
    // The format spells it so.
    file.number("tokenizer.ggml.seperator_token_id", id("[SEP]")?);
    Ok(())
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The tensors of a file: a length, a JSON header, and the numbers.
fn safetensors(bytes: &[u8]) -> Result<Tensors, Error> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("model.safetensors is cut off")?;
    let length = usize::try_from(u64::from_le_bytes(*length))?;
    let header = rest.get(..length).ok_or("model.safetensors is cut off")?;
    let data = &rest[length..];
    let header: Value = serde_json::from_slice(header)?;
    let mut tensors = Tensors::new();
    for (name, tensor) in header.as_object().into_iter().flatten().filter(|(name, _)| *name != "__metadata__")
    {
        if tensor["dtype"] != "F32" {
            continue;
        }
        let numbers = |value: &Value| -> Vec<usize> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64)
                .map(|number| number as usize)
                .collect()
        };
        let (shape, place) = (numbers(&tensor["shape"]), numbers(&tensor["data_offsets"]));
        let [from, to] = place[..] else { return Err(format!("{name} lies nowhere").into()) };
        let bytes = data.get(from..to).ok_or_else(|| format!("{name} is cut off"))?;
        let values = bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        tensors.insert(name.clone(), (shape, values));
    }
    Ok(tensors)
}

/// What the engine calls a tensor; `None` for those that it does not need.
fn name_of(theirs: &str) -> Option<String> {
    let theirs = theirs.strip_prefix("bert.").unwrap_or(theirs);
    let (path, end) = theirs.rsplit_once('.')?;
    let ours = match path {
        "embeddings.word_embeddings" => "token_embd".to_owned(),
        "embeddings.position_embeddings" => "position_embd".to_owned(),
        "embeddings.token_type_embeddings" => "token_types".to_owned(),
        "embeddings.LayerNorm" => "token_embd_norm".to_owned(),
        path => {
            let (layer, part) = path.strip_prefix("encoder.layer.")?.split_once('.')?;
            let part = match part {
                "attention.self.query" => "attn_q",
                "attention.self.key" => "attn_k",
                "attention.self.value" => "attn_v",
                "attention.output.dense" => "attn_output",
                "attention.output.LayerNorm" => "attn_output_norm",
                "intermediate.dense" => "ffn_up",
                "output.dense" => "ffn_down",
                "output.LayerNorm" => "layer_output_norm",
                _ => return None,
            };
            format!("blk.{layer}.{part}")
        }
    };
    Some(format!("{ours}.{end}"))
}
