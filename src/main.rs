//! Chooses the role of the binary; everything else is in the library.

fn main() -> std::process::ExitCode {
    mallku_db::cli::main()
}
