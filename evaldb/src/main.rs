//! The evaluation database; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    evaldb::arangod::main()
}
