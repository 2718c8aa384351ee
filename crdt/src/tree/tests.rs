//! Tests of the folder tree through what people do and what everybody then sees.

mod clashes;
mod cost;
mod deletes;
mod disk;
mod hostile;
mod language;
mod moves;
mod plans;
mod random;
mod replica;
