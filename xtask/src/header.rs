//! `cargo xtask header`: writes `include/ftreview.h` anew.

use crate::shell::{self, Outcome};

/// The test that guards the header against drift also knows how to write it, so there is one way to make it.
pub fn run(arguments: &[&str]) -> Outcome {
    if !arguments.is_empty() {
        return Err(format!("Header has no argument \"{}\".", arguments.join(" ")));
    }
    shell::run(shell::cargo().args(["test", "--quiet", "--test", "header"]).env("FTREVIEW_UPDATE_HEADER", "1"))?;
    println!("include/ftreview.h is up to date.");
    Ok(())
}
