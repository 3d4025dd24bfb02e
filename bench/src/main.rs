//! What `cargo xtask bench` runs: a sink that discards what it is sent, and senders. Each sender is a process of its own,
//! so that the system's own accounting tells its time, processor time and memory.
#![forbid(unsafe_code)]

mod engine; // this library's upload engine
mod files; // the files that are sent, and the MD5 of each of their parts
mod memory; // what the system says of this process's memory
mod raw; // the yardstick: sockets and threads, no HTTP library
mod sink; // the server that discards
mod work; // what a sender is told, and the requests that follow from it

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Success, or what went wrong, for the person at the terminal.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A sink and senders, to measure uploads with.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Receive and discard, until killed. Prints its address and then the plain address of its counters.
    Sink(sink::Options),
    /// Make the files to send.
    Files(files::Options),
    /// Send with this library's engine.
    Engine(engine::Options),
    /// Send with nothing but sockets and threads.
    Raw(raw::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Sink(options) => sink::run(options),
        Command::Files(options) => files::run(&options),
        Command::Engine(options) => engine::run(options),
        Command::Raw(options) => raw::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
