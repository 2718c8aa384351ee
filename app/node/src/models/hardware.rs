//! What this device has for models, and what fits.

use weft_ai::gguf::GgufSummary;

/// Memory that stays for everything else.
const SPARE_BYTES: u64 = 512 * 1024 * 1024;
/// The context that is wanted.
const CONTEXT_TOKENS: u64 = 8192;
/// The least that is of use.
const CONTEXT_TOKENS_MIN: u64 = 1024;

/// What this device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hardware {
    pub(crate) cores: u64,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) memory_free_bytes: Option<u64>,
}

/// Whether a model fits, and with which context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) fits: bool,
    pub(crate) context_tokens: u64,
    pub(crate) why: String,
}

impl Hardware {
    /// Asks the system.
    pub(crate) fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
        // Only Linux says what is free without being pressed.
        let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            cores,
            memory_bytes: line(&text, "MemTotal:"),
            memory_free_bytes: line(&text, "MemAvailable:"),
        }
    }

    /// Threads that a model computes with: one core stays for the person.
    pub(crate) fn threads(&self) -> u64 {
        self.cores.saturating_sub(1).max(1)
    }
}

fn line(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Says whether a model fits into the memory that is free, with the largest context that does.
pub(crate) fn fit(summary: &GgufSummary, file_bytes: u64, hardware: &Hardware) -> Fit {
    let wanted = CONTEXT_TOKENS.min(summary.context_tokens).max(1);
    let Some(free) = hardware.memory_free_bytes else {
        let why = "this system does not say how much memory is free".to_owned();
        return Fit { fits: true, context_tokens: wanted, why };
    };
    // The buffers that a step computes in grow with the model as well.
    let fixed = file_bytes + file_bytes / 8 + SPARE_BYTES;
    let least = CONTEXT_TOKENS_MIN.min(wanted);
    let mut context = wanted;
    while context > least && fixed + summary.context_bytes(context) > free {
        context = (context / 2).max(least);
    }
    let needed = fixed + summary.context_bytes(context);
    let (needed_gb, free_gb) = (gigabytes(needed), gigabytes(free));
    if needed > free {
        let why = format!("needs {needed_gb} GB with {context} tokens of context, {free_gb} GB are free");
        return Fit { fits: false, context_tokens: context, why };
    }
    let shortened = if context < wanted { format!(", shortened from {wanted}") } else { String::new() };
    let why = format!(
        "needs {needed_gb} GB of {free_gb} GB that are free, with {context} tokens of context{shortened}"
    );
    Fit { fits: true, context_tokens: context, why }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn fitted(file: u64, free: Option<u64>) -> Fit {
        let summary = GgufSummary {
            blocks: 28,
            context_tokens: 32_768,
            embedding_numbers: 3584,
            heads: 28,
            heads_kept: 4,
            ..GgufSummary::default()
        };
        fit(&summary, file, &Hardware { cores: 8, memory_bytes: None, memory_free_bytes: free })
    }

    #[test]
    fn what_fits_is_said_with_its_reason() {
        let easy = fitted(4 * GB, Some(16 * GB));
        assert!(easy.fits && easy.context_tokens == 8192, "{easy:?}");
        let tight = fitted(4 * GB, Some(52 * GB / 10));
        assert!(tight.fits && tight.context_tokens < 8192 && tight.why.contains("shortened"), "{tight:?}");
        let never = fitted(40 * GB, Some(16 * GB));
        assert!(!never.fits && never.why.contains("16.0 GB are free"), "{never:?}");
        assert!(fitted(40 * GB, None).fits);
    }

    #[test]
    fn the_system_is_asked() {
        let hardware = Hardware::look();
        assert!(hardware.cores > 0 && hardware.threads() > 0);
        assert_eq!(
            line("MemTotal:       1024 kB\nMemAvailable:    512 kB\n", "MemAvailable:"),
            Some(512 * 1024)
        );
        assert_eq!(line("nothing", "MemTotal:"), None);
    }
}
