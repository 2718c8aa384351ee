//! The process that reads one document, for the tests of this package; elsewhere it is `weft` itself. With `eat` it is a
//! reader that a document has made take all memory.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "eat") {
        weft_documents::be_limited();
        let mut eaten: Vec<Vec<u8>> = Vec::new();
        loop {
            eaten.push(vec![1; 16 * 1024 * 1024]);
            // So that nothing of it is left out by the compiler.
            std::hint::black_box(&eaten);
        }
    }
    weft_documents::serve()
}
