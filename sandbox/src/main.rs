//! The staging server as a program.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ftreview_sandbox::storage::Limits;
use ftreview_sandbox::{Config, Server, config};

/// A staging ftrack server: API, storage and a review page, for demos, tests and integration.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address and port to listen on; port 0 chooses a free one
    #[arg(long, default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), config::DEFAULT_PORT))]
    listen: SocketAddr,
    /// Folder for the database and the media; made when missing
    #[arg(long, default_value = "ftreview-sandbox-data")]
    data: PathBuf,
    /// Listen on an address that other machines can reach; keys are public and nothing is encrypted
    #[arg(long)]
    allow_remote: bool,
    /// The address clients reach the server at, when it is not where it listens
    #[arg(long)]
    public_url: Option<String>,
    /// Begin a new upload in parts for every request, also while one is open: for testing clients
    #[arg(long, hide = true)]
    renew_upload_id: bool,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = Config {
        listen: arguments.listen,
        allow_remote: arguments.allow_remote,
        public_url: arguments.public_url,
        limits: Limits { renew_upload_id: arguments.renew_upload_id, ..Limits::default() },
        ..Config::new(arguments.data)
    };
    let server = match Server::start(settings).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if !arguments.quiet {
        greet(server.url());
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("Cannot wait for Ctrl-C: {error}. Stopping.");
        return ExitCode::FAILURE;
    }
    server.stop().await;
    ExitCode::SUCCESS
}

/// What a person needs to publish here; programs read the first three lines.
fn greet(url: &str) {
    println!("Server   {url}");
    println!("User     {}", config::DEMO_USER);
    println!("API key  {}", config::DEMO_KEY);
    println!("Review   {url}/");
    println!();
    println!("export FTRACK_SERVER={url}");
    println!("export FTRACK_API_USER={}", config::DEMO_USER);
    println!("export FTRACK_API_KEY={}", config::DEMO_KEY);
    println!();
    println!("Contexts to publish to: demo/sq010/sh010/compositing and others in the projects demo and pilot.");
    println!("Ctrl-C stops.");
}
