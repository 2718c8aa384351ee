//! A worker alone, for this package's tests and benches; the program `weft` contains the same as a hidden command.

fn main() -> std::process::ExitCode {
    weft_ai_llama::worker::run()
}
