//! The workspace's programs, beside which the test program was built.

use std::path::PathBuf;

/// The path of one of the workspace's programs. `make test` builds them first.
pub fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("a path");
    let path = tests.ancestors().nth(2).expect("target/debug").join(name);
    assert!(path.exists(), "{} is not built: cargo build --workspace", path.display());
    path
}
