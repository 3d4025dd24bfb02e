//! `cargo xtask bench`: this library's uploads beside those of others, on the same sink, in turn; and its event hub beside
//! another, on the same server.

mod chart; // the bars
mod contestants; // who takes part, and how each is called
mod document; // where the numbers are written
mod goals; // what must be reached
mod hub; // the event hub beside the official client's
mod measure; // a process: time, processor time, memory
mod numbers; // medians and ratios
mod scenario; // what is sent over which line, and the runs
mod sink; // the server that discards

use std::time::Instant;

use crate::shell::{Outcome, root};
use contestants::Programs;
use scenario::{Files, Measured, SCENARIOS, Scenario};

/// What the arguments choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Runs that count.
    runs: usize,
    /// Bytes of the large file.
    size: u64,
    /// Only these scenarios; all when empty.
    only: Vec<String>,
    /// Small files, this library, the yardstick and curl, once: seconds, to see that the bench works.
    smoke: bool,
}

const GIB: u64 = 1 << 30;

/// Runs what the arguments choose, shows it, and writes it down unless the run was a partial one.
pub fn run(arguments: &[&str]) -> Outcome {
    match arguments.split_first().map(|(first, rest)| (*first, rest)) {
        Some(("upload", rest)) => upload(&parse(rest)?).map(drop),
        Some(("hub", rest)) => hub::run(rest),
        _ => Err("The bench has two subjects: cargo xtask bench upload, and cargo xtask bench hub.".into()),
    }
}

/// The form for `cargo xtask test`: it shows that the bench works, and says nothing about speed.
pub fn smoke() -> Outcome<String> {
    let measured = upload(&parse(&["--smoke"])?)?;
    let senders: usize = measured.iter().map(|measured| measured.senders.len()).sum();
    Ok(format!("{} scenarios, {senders} senders", measured.len()))
}

fn parse(arguments: &[&str]) -> Outcome<Options> {
    let mut options = Options { runs: 5, size: 2 * GIB, only: Vec::new(), smoke: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} wants a value."));
        match *argument {
            "--quick" => options.runs = 3,
            "--smoke" => options = Options { runs: 1, size: 20 << 20, smoke: true, ..options },
            "--runs" => options.runs = number(value()?)?.max(1) as usize,
            "--size" => options.size = bytes(value()?)?,
            "--only" => options.only.push((*value()?).to_owned()),
            other => {
                return Err(format!("The bench has no option \"{other}\"; `cargo xtask bench --help` names them."));
            }
        }
    }
    if let Some(unknown) = options.only.iter().find(|name| !SCENARIOS.iter().any(|scenario| scenario.name == **name)) {
        let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        return Err(format!("There is no scenario \"{unknown}\". They are {}.", known.join(", ")));
    }
    Ok(options)
}

fn number(text: &str) -> Outcome<u64> {
    text.parse().map_err(|_| format!("\"{text}\" is no number."))
}

/// A number of bytes, or of MiB or GiB.
fn bytes(text: &str) -> Outcome<u64> {
    match (text.strip_suffix("MiB"), text.strip_suffix("GiB")) {
        (Some(mib), _) => Ok(number(mib)? << 20),
        (_, Some(gib)) => Ok(number(gib)? << 30),
        _ => number(text),
    }
}

fn upload(options: &Options) -> Outcome<Vec<Measured>> {
    let started = Instant::now();
    let programs = Programs::provide(options.smoke)?;
    let files = Files::make(&programs, options)?;
    let wanted = |scenario: &&Scenario| {
        let named = options.only.is_empty() || options.only.iter().any(|name| name == scenario.name);
        named && (!options.smoke || scenario.smoke)
    };
    let mut measured = Vec::new();
    for scenario in SCENARIOS.iter().filter(wanted) {
        println!("\n{}", scenario.title(&files));
        let one = scenario::run(scenario, &programs, &files, options)?;
        print!("{}", document::plain_table(&one));
        measured.push(one);
    }
    let goals = goals::check(&measured);
    if !options.smoke {
        print!("\n{}", document::plain_goals(&goals));
        programs.missing.iter().for_each(|missing| println!("Left out: {missing}"));
    }
    let is_whole = options.only.is_empty() && options.size == 2 * GIB && !options.smoke;
    if is_whole {
        let results = document::results(&measured, &goals, &programs, options);
        document::write(&root().join("docs/performance.md"), &document::UPLOAD, &results)?;
        let path = root().join("docs/performance.svg");
        std::fs::write(&path, chart::draw(&chart::panels(&measured)))
            .map_err(|error| format!("Cannot write {}: {error}.", path.display()))?;
        println!("Written: docs/performance.md and docs/performance.svg");
    }
    println!("It took {:.0} s.", started.elapsed().as_secs_f64());
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_choose_how_often_and_how_much() {
        let options = parse(&["--quick", "--size", "512MiB", "--only", "plain"]).unwrap();
        assert_eq!((options.runs, options.size, options.smoke), (3, 512 << 20, false));
        assert_eq!(options.only, ["plain"]);
        assert_eq!(parse(&[]).unwrap().size, 2 << 30);
        for wrong in [&["--size"][..], &["--size", "2GB"], &["--only", "fast"], &["--fast"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
