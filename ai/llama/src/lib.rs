//! The process that runs a local model with llama.cpp, and the way to it.
//!
//! A model file comes from strangers, and the C++ that reads it ends its process when it meets something unexpected. So
//! a model runs in a child process of its own, which is this same program: the node talks to it over pipes
//! (`weft_ai::pipe`), and goes on when it ends. Reading order:
//!
//! - [`host`]: starts a worker, asks it, and notices when it ends;
//! - [`supervisor`]: keeps one for each model: starts it when it is asked, ends it when it is idle, waits longer each time that it fails;
//! - `worker` (with the feature `engine`): what runs in the child.

/// What this build computes models on; empty where the engine was left out.
pub const BACKENDS: &[&str] = &[
    #[cfg(feature = "engine")]
    "cpu",
    #[cfg(feature = "cuda")]
    "cuda",
    #[cfg(feature = "metal")]
    "metal",
    #[cfg(feature = "vulkan")]
    "vulkan",
];

pub mod host;
pub mod supervisor;
#[cfg(feature = "engine")]
pub mod worker;
