//! Models for tests.
//!
//! - [`tiny`]: a model of random numbers with the control tokens of code models, made here in milliseconds: most tests
//!   need no more, because what they test is everything around the numbers;
//! - [`real`]: small models that make sense, which `./dev model` fetches once into the person's cache. A test that
//!   needs one where it is missing says so and passes;
//! - [`gguf`]: writes model files; [`bert`]: makes one of the weights of an embedding model.

pub mod bert;
pub mod gguf;
pub mod real;
pub mod tiny;
