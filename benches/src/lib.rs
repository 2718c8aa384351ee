//! What Weft costs, each figure beside a bound that was measured in the same run.
//!
//! The programs are in `src/bin`; `crdt` measures the document engine.
