//! Sequences beside fileseq and clique, and probing over all that ffmpeg and OpenEXR write, whole and damaged.

use std::process::Command;

use crate::shell::{self, Outcome, root, scratch};
use crate::tools;

const SEQUENCES: &str = include_str!("../../tests/peers/sequences/requirements.txt");
const IMAGES: &str = include_str!("../../tests/peers/media/requirements.txt");

/// Fetches fileseq and clique.
pub fn provide_sequences() -> Outcome {
    tools::python_environment("sequences-environment", SEQUENCES).map(drop)
}

/// Fetches OpenEXR.
pub fn provide() -> Outcome {
    tools::python_environment("media-environment", IMAGES).map(drop)
}

/// Has fileseq and clique read a corpus, and compares the library with them.
pub fn sequences(counted: fn(&mut Command) -> Outcome<String>) -> Outcome<String> {
    let programs = tools::python_environment("sequences-environment", SEQUENCES)?;
    let folder = scratch("sequences");
    shell::emptied(&folder)?;
    let said = folder.join("said.json");
    shell::run(shell::program(programs.join("python")).arg("tests/peers/sequences/corpus.py").arg(&said))?;
    let mut command = shell::cargo();
    command.args(["test", "--quiet", "--package", "ftreview", "--test", "sequences", "--", "--ignored"]);
    counted(command.env("FTREVIEW_SEQUENCES", said))
}

/// Writes a corpus with ffmpeg and OpenEXR and looks at all of it, then at ten thousand damaged forms.
pub fn run(counted: fn(&mut Command) -> Outcome<String>) -> Outcome<String> {
    let programs = tools::python_environment("media-environment", IMAGES)?;
    let corpus = scratch("media");
    shell::emptied(&corpus)?;
    shell::run(shell::program(root().join("tests/data/media/write-all.sh")).arg(&corpus).arg("all"))?;
    shell::run(shell::program(programs.join("python")).arg("tests/peers/media/write_exr.py").arg(&corpus))?;
    let mut command = shell::cargo();
    command.args(["test", "--quiet", "--package", "ftreview", "--test", "media", "--test", "media_mutations"]);
    counted(command.args(["--", "--ignored"]).env("FTREVIEW_CORPUS", corpus))
}
