//! Tells the binary what it was built from: `--version` prints it.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=MALLKU_COMMIT");
    println!("cargo:rustc-env=MALLKU_BUILD_COMMIT={}", commit());
    println!(
        "cargo:rustc-env=MALLKU_BUILD_TARGET={}",
        env::var("TARGET").unwrap_or_default()
    );
}

/// The commit: `MALLKU_COMMIT` where the source is no repository (an image build), else what git says. Development
/// builds do not ask git, so that a commit is no reason to compile everything again.
fn commit() -> String {
    if let Ok(commit) = env::var("MALLKU_COMMIT")
        && !commit.is_empty()
    {
        return commit;
    }
    if env::var("PROFILE").as_deref() != Ok("release") {
        return "development".to_owned();
    }
    for reference in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", reference]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
