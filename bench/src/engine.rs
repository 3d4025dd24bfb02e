//! This library's upload engine, as a session drives it: on the one runtime thread, with the connections of one client.

use crate::files::Md5s;
use crate::work::Work;
use crate::{Outcome, memory};
use clap::Args;
use ftreview::ftrack::{Client, Config, Environment, Http, ProxyChoice};
use ftreview::session::gate::Gate;
use ftreview::session::log::Log;
use ftreview::session::runtime::Runtime;
use ftreview::session::{Result, Source, policy};
use ftreview::transfer::{Limits, Plan, Renewal, Target, Traffic, Upload, Verify};
use futures_util::future::BoxFuture;
use futures_util::stream::{TryStreamExt, iter};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// What to send.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    work: Work,
    /// Only make the client, and say what memory that takes
    #[arg(long)]
    idle: bool,
    /// Bytes for file contents on their way
    #[arg(long, default_value_t = policy::UPLOAD_MEMORY)]
    memory: u64,
    /// Keep to `--at-once` requests instead of adding some while they help
    #[arg(long)]
    fixed: bool,
}

/// Sends everything, and prints as JSON what memory an idle client had, what the most was, and how long the sending took.
pub fn run(options: Options) -> Outcome {
    let runtime = Runtime::shared()?;
    let (tell, told) = mpsc::channel();
    runtime.spawn(async move {
        let _ = tell.send(measured(options).await);
    });
    let report = told.recv().map_err(|_| "The upload panicked.")??;
    println!("{report}");
    Ok(())
}

async fn measured(options: Options) -> Outcome<Value> {
    let traffic = Traffic::new(limits(&options));
    let work = options.work;
    let http = client(&work)?.http().await?;
    let idle_kib = memory::status_kib("VmRSS");
    let started = Instant::now();
    if !options.idle {
        send(&work, &http, &traffic).await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(json!({"idle_kib": idle_kib, "peak_kib": memory::status_kib("VmHWM"), "seconds": seconds}))
}

fn limits(options: &Options) -> Limits {
    Limits {
        memory_bytes: options.memory,
        connections: options.fixed.then_some(options.work.at_once),
        verify: if options.work.off { Verify::Off } else { Verify::Etag },
        patience: Duration::ZERO,
        ..Limits::default()
    }
}

async fn send(work: &Work, http: &Http, traffic: &Arc<Traffic>) -> Outcome {
    let files = work.files()?;
    let md5s = &work.md5s(&files)?;
    // One file has its parts in parallel; of several files each goes up whole, so many at once.
    let uploads = iter(files.into_iter().map(Ok));
    uploads.try_for_each_concurrent(work.at_once, |(path, size)| upload(work, http, traffic, path, size, md5s)).await
}

async fn upload(work: &Work, http: &Http, traffic: &Arc<Traffic>, path: PathBuf, size: u64, md5s: &Md5s) -> Outcome {
    let target = target(work, &path, size, md5s)?;
    // Of a file whose MD5s are not known, the sink's ETag is none.
    let comparable = md5s.of(&path, 1).is_some();
    let source = tokio::task::spawn_blocking(move || Source::open(&path)).await??;
    let upload = Upload {
        http: http.clone(),
        source: Arc::new(source),
        renewal: &Same(target.clone()),
        target,
        traffic: traffic.clone(),
        gate: Arc::<Gate>::default(),
        progress: Arc::default(),
        journal: None,
        log: Log::silent(),
    };
    let uploaded = upload.run().await?;
    if comparable && !uploaded.warnings.is_empty() {
        return Err(uploaded.warnings.join("\n").into());
    }
    Ok(())
}

/// The sink's addresses do not expire.
struct Same(Target);

impl Renewal for Same {
    fn renew(&self) -> BoxFuture<'_, Result<Target>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// What a server would hand out.
fn target(work: &Work, path: &Path, size: u64, md5s: &Md5s) -> Outcome<Target> {
    let plan = Plan::for_size(size)?;
    let metadata = match plan {
        Plan::Single => json!({"url": work.address(path, 1, md5s)?.as_str()}),
        Plan::Parts { count, .. } => {
            let urls = (1..=count)
                .map(|number| {
                    Ok(json!({"part_number": number, "signed_url": work.address(path, number, md5s)?.as_str()}))
                })
                .collect::<Outcome<Vec<Value>>>()?;
            json!({"upload_id": "bench", "urls": urls})
        }
    };
    Ok(Target::from_metadata(&metadata, plan, &work.to)?)
}

fn client(work: &Work) -> Outcome<Client> {
    let config = Config {
        server_url: work.to.clone(),
        api_key: "0123456789abcdef".to_owned().into(),
        api_user: "bench".to_owned(),
        timeout: policy::API_TIMEOUT,
        connect_timeout: policy::CONNECT_TIMEOUT,
        headers: Vec::new(),
        cookies: Vec::new(),
        proxy: ProxyChoice::Environment,
        ca_file: work.cacert.clone(),
        strict_api: true,
        client_token: "ftreview-bench".to_owned(),
        environment: Environment::default(),
    };
    Ok(Client::new(config, Log::silent()))
}
