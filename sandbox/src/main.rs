//! The staging server as a program.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ftreview_sandbox::encoding::{Mode, Settings};
use ftreview_sandbox::storage::{Limits, ObjectStoreConfig};
use ftreview_sandbox::{Config, Server, config};
use rusty_s3::Credentials;
use url::Url;

const NO_KEYS: &str = "The object store needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";

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
    /// Keep the media in an S3-compatible store at this address, such as https://s3.example; clients must reach it too
    #[arg(long, value_name = "URL", requires = "s3_bucket")]
    s3_endpoint: Option<Url>,
    /// The bucket in that store, used for nothing else
    #[arg(long, value_name = "NAME", requires = "s3_endpoint")]
    s3_bucket: Option<String>,
    /// The region of the bucket
    #[arg(long, value_name = "REGION", default_value = "us-east-1", requires = "s3_endpoint")]
    s3_region: String,
    /// The access key; better given as AWS_ACCESS_KEY_ID
    #[arg(long, value_name = "KEY", requires = "s3_endpoint")]
    s3_access_key: Option<String>,
    /// The secret key; better given as AWS_SECRET_ACCESS_KEY, since other users of this machine see arguments
    #[arg(long, value_name = "KEY", requires = "s3_access_key")]
    s3_secret_key: Option<String>,
    /// Put the bucket before the host name (bucket.s3.example) and not into the path
    #[arg(long, requires = "s3_endpoint")]
    s3_virtual_hosted: bool,
    /// Make the bucket when it is not there
    #[arg(long, requires = "s3_endpoint")]
    s3_create_bucket: bool,
    /// Seconds that addresses are good: for testing clients
    #[arg(long, hide = true, default_value_t = Limits::default().address_lifetime.as_secs())]
    address_lifetime: u64,
    /// What encode_media does: encode with ffmpeg, or nothing as on servers without an encoder; stuck is for testing clients
    #[arg(long, value_enum, default_value_t)]
    encoding: Mode,
    /// The ffmpeg to encode with; without this, the one on PATH
    #[arg(long, value_name = "FILE")]
    ffmpeg: Option<PathBuf>,
    /// Milliseconds that a job runs before it encodes: for testing clients
    #[arg(long, hide = true, default_value_t = 0)]
    encoding_delay: u64,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let object_store = match object_store(&arguments) {
        Ok(object_store) => object_store,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let settings = Config {
        listen: arguments.listen,
        allow_remote: arguments.allow_remote,
        public_url: arguments.public_url,
        object_store,
        limits: Limits {
            renew_upload_id: arguments.renew_upload_id,
            address_lifetime: Duration::from_secs(arguments.address_lifetime),
            ..Limits::default()
        },
        encoding: Settings {
            mode: arguments.encoding,
            program: arguments.ffmpeg,
            delay: Duration::from_millis(arguments.encoding_delay),
            ..Settings::default()
        },
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
        greet(&server);
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("Cannot wait for Ctrl-C: {error}. Stopping.");
        return ExitCode::FAILURE;
    }
    server.stop().await;
    ExitCode::SUCCESS
}

/// The object store that the arguments and the environment describe.
fn object_store(arguments: &Arguments) -> Result<Option<ObjectStoreConfig>, String> {
    let (Some(endpoint), Some(bucket)) = (&arguments.s3_endpoint, &arguments.s3_bucket) else { return Ok(None) };
    let credentials = match (&arguments.s3_access_key, &arguments.s3_secret_key) {
        (Some(access), Some(secret)) => Credentials::new(access, secret),
        (Some(access), None) => {
            let secret = std::env::var("AWS_SECRET_ACCESS_KEY").map_err(|_| NO_KEYS)?;
            Credentials::new(access, secret)
        }
        _ => Credentials::from_env().ok_or(NO_KEYS)?,
    };
    Ok(Some(ObjectStoreConfig {
        endpoint: endpoint.clone(),
        bucket: bucket.clone(),
        region: arguments.s3_region.clone(),
        credentials,
        virtual_hosted: arguments.s3_virtual_hosted,
        create_bucket: arguments.s3_create_bucket,
    }))
}

/// What a person needs to publish here; programs read the first three lines.
fn greet(server: &Server) {
    let (url, state) = (server.url(), server.state());
    println!("Server   {url}");
    println!("User     {}", config::DEMO_USER);
    println!("API key  {}", config::DEMO_KEY);
    println!("Review   {url}/");
    if let Some(store) = state.storage.origin() {
        println!("Media    {store}");
    }
    match (state.encoder.settings().mode, state.encoder.program()) {
        (Mode::Ffmpeg, Some(program)) => println!("Encoding with {}", program.display()),
        (Mode::Ffmpeg, None) => println!("Encoding fails: no ffmpeg was found on PATH; install it, or say --ffmpeg."),
        (Mode::Off, _) => println!("Encoding is off"),
        (Mode::Stuck, _) => println!("Encoding never ends"),
    }
    println!();
    println!("export FTRACK_SERVER={url}");
    println!("export FTRACK_API_USER={}", config::DEMO_USER);
    println!("export FTRACK_API_KEY={}", config::DEMO_KEY);
    println!();
    println!("Contexts to publish to: demo/sq010/sh010/compositing and others in the projects demo and pilot.");
    println!("Ctrl-C stops.");
}
