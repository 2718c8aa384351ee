//! The process that reads one document, for the tests of this package; elsewhere it is `weft` itself.

fn main() -> std::process::ExitCode {
    weft_documents::serve()
}
