use super::*;

/// Writes headers, right ones and wrong ones.
#[derive(Clone)]
struct Writer {
    version: u32,
    pairs: Vec<(String, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, u32, u64)>,
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

fn number(value: u32) -> Vec<u8> {
    [4_u32.to_le_bytes(), value.to_le_bytes()].concat()
}

fn text(value: &str) -> Vec<u8> {
    [&8_u32.to_le_bytes()[..], &string(value)].concat()
}

fn list(kind: u32, length: u64, elements: &[u8]) -> Vec<u8> {
    [&9_u32.to_le_bytes()[..], &kind.to_le_bytes(), &length.to_le_bytes(), elements].concat()
}

impl Writer {
    fn right() -> Self {
        let names = ["a", "b", "c"].map(string).concat();
        let pairs = [
            ("general.architecture", text("llama")),
            ("general.name", text("small")),
            ("llama.block_count", number(2)),
            ("llama.context_length", number(4096)),
            ("llama.embedding_length", number(64)),
            ("llama.attention.head_count", number(4)),
            ("llama.attention.head_count_kv", list(4, 2, &[2, 0, 0, 0, 1, 0, 0, 0])),
            ("tokenizer.ggml.tokens", list(8, 3, &names)),
            ("tokenizer.ggml.scores", list(6, 3, &[0; 12])),
            ("tokenizer.ggml.fim_pre_token_id", number(1)),
        ];
        Self {
            version: 3,
            pairs: pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            tensors: vec![("token_embd.weight".into(), vec![64, 3], 0, 0), ("x".into(), vec![256], 12, 768)],
        }
    }

    fn with(mut self, name: &str, value: Vec<u8>) -> Self {
        self.pairs.retain(|(key, _)| key != name);
        self.pairs.push((name.to_owned(), value));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(key, _)| key != name);
        self
    }

    fn tensor(mut self, dimensions: &[u64], kind: u32, offset: u64) -> Self {
        self.tensors.push(("t".into(), dimensions.to_vec(), kind, offset));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.pairs.len() as u64).to_le_bytes());
        for (name, value) in &self.pairs {
            bytes.extend(string(name));
            bytes.extend(value);
        }
        for (name, dimensions, kind, offset) in &self.tensors {
            bytes.extend(string(name));
            bytes.extend((dimensions.len() as u32).to_le_bytes());
            bytes.extend(dimensions.iter().flat_map(|length| length.to_le_bytes()));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(32) + 768 + 144, 0);
        bytes
    }
}

fn parsed(bytes: &[u8]) -> Result<GgufSummary, GgufError> {
    read(bytes, bytes.len() as u64)
}

fn refusal(writer: &Writer) -> String {
    parsed(&writer.bytes()).expect_err("a refusal").to_string()
}

#[test]
fn a_right_file_says_what_it_is() {
    let summary = parsed(&Writer::right().bytes()).expect("a model");
    assert_eq!((summary.architecture.as_str(), summary.name.as_deref()), ("llama", Some("small")));
    assert_eq!((summary.blocks, summary.context_tokens, summary.vocabulary), (2, 4096, 3));
    assert_eq!((summary.heads, summary.heads_kept, summary.parameters), (4, 2, 192 + 256));
    assert_eq!(summary.tensor_bytes, 768 + 144);
    assert!(summary.can_fill && !summary.is_embedding());
    assert_eq!(summary.context_bytes(100), 100 * 2 * 2 * 64 * 4);
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    let bytes = Writer::right().bytes();
    for end in 0..bytes.len() {
        assert!(parsed(&bytes[..end]).is_err(), "{end} bytes of {}", bytes.len());
    }
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    let right = Writer::right();
    for (wrong, says) in [
        (right.clone().with("llama.block_count", number(0)), "block_count is 0"),
        (right.clone().with("llama.block_count", number(GGUF_BLOCKS_MAX as u32 + 1)), "block_count is 1025"),
        (right.clone().without("llama.block_count"), "does not say its block_count"),
        (right.clone().with("llama.context_length", number(0)), "context_length is 0"),
        (right.clone().without("general.architecture"), "architecture"),
        (right.clone().with("general.architecture", text("../x")), "architecture"),
        (right.clone().without("tokenizer.ggml.tokens"), "vocabulary"),
        (right.clone().with("general.alignment", number(7)), "aligned"),
        (right.clone().tensor(&[1 << 40, 1 << 40], 0, 0), "impossible size"),
        (right.clone().tensor(&[0], 0, 0), "impossible size"),
        (right.clone().tensor(&[], 0, 0), "dimensions"),
        (right.clone().tensor(&[1; 5], 0, 0), "dimensions"),
        (right.clone().tensor(&[1], 99, 0), "type 99"),
        (right.clone().tensor(&[1], 0, 3), "where it should"),
        (right.clone().tensor(&[256], 0, u64::MAX - 31), "nowhere"),
        (right.clone().tensor(&[1], 0, 1 << 40), "missing at its end"),
        (right.clone().with("x", 77_u32.to_le_bytes().to_vec()), "type 77"),
    ] {
        let told = refusal(&wrong);
        assert!(told.contains(says), "{told:?} does not say {says:?}");
    }
    assert!(refusal(&Writer { version: 9, ..right }).contains("version 9"));
    assert!(parsed(b"PK\x03\x04 something else").is_err_and(|error| error.to_string().contains("no model")));
}

#[test]
fn claims_allocate_nothing_and_end_at_their_bounds() {
    let right = Writer::right();
    let claims = |kind, length: u64| right.clone().with("x", list(kind, length, &[])).bytes();
    for (length, says) in [(GGUF_ARRAY_MAX + 1, "claims"), (GGUF_ARRAY_MAX, "cut off")] {
        for kind in [0, 8, 6] {
            let told = parsed(&claims(kind, length)).expect_err("a refusal").to_string();
            assert!(
                told.contains(says) || told.contains("claims") || told.contains("type"),
                "{kind} {length}: {told}"
            );
        }
    }
    let long = |length: u64| {
        let value = [&8_u32.to_le_bytes()[..], &length.to_le_bytes()].concat();
        parsed(&right.clone().with("x", value).bytes()).expect_err("a refusal").to_string()
    };
    assert!(long(GGUF_STRING_BYTES_MAX + 1).contains("claims"));
    assert!(long(GGUF_STRING_BYTES_MAX).contains("cut off"));
    let mut bytes = right.bytes();
    bytes[8..16].copy_from_slice(&(GGUF_TENSORS_MAX + 1).to_le_bytes());
    assert!(parsed(&bytes).expect_err("a refusal").to_string().contains("claims 65537 tensors"));
    let mut bytes = right.bytes();
    bytes[16..24].copy_from_slice(&(GGUF_PAIRS_MAX + 1).to_le_bytes());
    assert!(parsed(&bytes).expect_err("a refusal").to_string().contains("claims"));
    // A list of lists of lists ends by its depth; a header that never ends by its bytes.
    let nested = list(9, 1, &list(9, 1, &list(9, 1, &[]))[4..].to_vec()[..]);
    assert!(parsed(&right.clone().with("x", nested).bytes()).is_err());
    let endless = right.bytes().into_iter().take(24).chain(std::iter::repeat(b' '));
    struct Endless<I>(I, u64);
    impl<I: Iterator<Item = u8>> Read for Endless<I> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.1 += bytes.len() as u64;
            bytes.iter_mut().zip(&mut self.0).for_each(|(to, from)| *to = from);
            Ok(bytes.len())
        }
    }
    let mut endless = Endless(endless, 0);
    assert!(read(&mut endless, u64::MAX).is_err());
    assert!(endless.1 <= GGUF_HEADER_BYTES_MAX);
}

#[test]
fn flipped_bits_never_panic() {
    let right = Writer::right().bytes();
    for at in 0..right.len() - 912 {
        for bit in 0..8 {
            let mut bytes = right.clone();
            bytes[at] ^= 1 << bit;
            // A refusal or another model: both are answers.
            let _answer = parsed(&bytes);
        }
    }
}

#[test]
fn as_many_layers_go_onto_a_card_as_fit_into_its_memory() {
    let summary = GgufSummary {
        blocks: 32,
        heads: 32,
        heads_kept: 8,
        embedding_numbers: 4096,
        tensor_bytes: 4_000_000_000,
        ..GgufSummary::default()
    };
    let layers = |memory| summary.layers_that_fit(8192, memory);
    assert_eq!(layers(0), 0);
    assert_eq!(layers(256 * 1024 * 1024), 0, "what a step needs comes first");
    let some = layers(3_000_000_000);
    assert!((5..32).contains(&some), "{some}");
    assert_eq!(layers(8_000_000_000), 33, "all, and the output");
    assert_eq!(layers(u64::MAX), 33);
    // Whatever a file says, it is a number.
    let odd = GgufSummary {
        blocks: 1024,
        heads: 1,
        embedding_numbers: u64::MAX,
        tensor_bytes: u64::MAX,
        ..summary
    };
    assert!(odd.layers_that_fit(u64::MAX, u64::MAX) <= 1025);
    let _any = GgufSummary::default().layers_that_fit(0, 0);
}
