//! The checker's program.

use std::process::ExitCode;

use clap::Parser;
use pitcrew::check::program::{Arguments, run};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The first provider stays; a second attempt changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let checked = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    match checked {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("It cannot be told whether everything held: {error:#}");
            ExitCode::from(2)
        }
    }
}
