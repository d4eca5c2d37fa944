//! `shakedown`: the gate before merge.

fn main() -> std::process::ExitCode {
    shakedown::main()
}
