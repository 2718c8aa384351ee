//! What a change may hold at most. A change beyond one of these is never made here and never accepted from others.

/// Most bytes of one encoded change, so that a sealed entry always has room for it.
pub const CHANGE_BYTES_MAX: usize = 192 * 1024;

/// Most operations of one change. Runs of deletions take a few bytes for any length, so bytes alone bound nothing.
pub const CHANGE_OPS_MAX: u64 = 32_768;

/// Most bytes that the values of one change have together.
pub const CHANGE_VALUES_BYTES_MAX: usize = 64 * 1024;

/// Most changes that one change may name as those it builds upon.
pub const CHANGE_DEPS_MAX: usize = 64;

/// Most actors besides the author that the operations of one change may name.
pub const CHANGE_ACTORS_MAX: usize = 4_096;

/// Most operations that the operations of one change succeed, counted together.
pub const CHANGE_PREDS_MAX: u64 = 32_768;

/// Most operations that one write of a register made here succeeds, so that a single write always fits into a change.
pub const WRITE_PREDS_MAX: usize = 2_048;

/// Every operation counter is below this.
pub const COUNTER_END: u64 = 1 << 31;

/// The time of a change in seconds is below this; greater numbers make other programs overflow.
pub const TIME_END: i64 = 1 << 53;

/// Most characters that the text has from which a document is made.
pub const BASE_CHARS_MAX: usize = 1 << 30;

/// Most bytes that the key of a register has.
pub const KEY_BYTES_MAX: usize = 1_024;

/// The bounds that a parser holds a change to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangeLimits {
    pub(crate) bytes: usize,
    pub(crate) ops: u64,
    pub(crate) values_bytes: usize,
    pub(crate) deps: usize,
    pub(crate) actors: usize,
    pub(crate) preds: u64,
}

impl ChangeLimits {
    /// Bounds of changes that travel.
    pub(crate) const PEER: Self = Self {
        bytes: CHANGE_BYTES_MAX,
        ops: CHANGE_OPS_MAX,
        values_bytes: CHANGE_VALUES_BYTES_MAX,
        deps: CHANGE_DEPS_MAX,
        actors: CHANGE_ACTORS_MAX,
        preds: CHANGE_PREDS_MAX,
    };

    /// Bounds of changes that a person reads from a file of their own: only what the format itself can count.
    pub(crate) const LOCAL: Self = Self {
        bytes: u32::MAX as usize,
        ops: COUNTER_END,
        values_bytes: u32::MAX as usize,
        deps: u32::MAX as usize,
        actors: u32::MAX as usize,
        preds: COUNTER_END,
    };
}
