//! This library's upload engine, as a session drives it: on the one runtime thread, with the connections of one client.

use crate::files::Md5s;
use crate::work::Work;
use crate::{Outcome, memory};
use clap::Args;
use ftreview::ftrack::{Client, Config, Environment, Http, ProxyChoice};
use ftreview::session::log::Log;
use ftreview::session::runtime::Runtime;
use ftreview::session::{Source, policy};
use ftreview::transfer::{Plan, Target, Upload};
use futures_util::stream::{TryStreamExt, iter};
use serde_json::{Value, json};
use std::path::PathBuf;
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
    let work = options.work;
    let http = client(&work)?.http().await?;
    let idle_kib = memory::status_kib("VmRSS");
    let started = Instant::now();
    if !options.idle {
        send(&work, &http).await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(json!({"idle_kib": idle_kib, "peak_kib": memory::status_kib("VmHWM"), "seconds": seconds}))
}

async fn send(work: &Work, http: &Http) -> Outcome {
    let files = work.files()?;
    let md5s = &work.md5s(&files)?;
    // One file has its parts in parallel; of several files each goes up whole, so many at once.
    let uploads = iter(files.into_iter().map(Ok));
    uploads.try_for_each_concurrent(work.at_once, |(path, size)| upload(work, http, path, size, md5s)).await
}

async fn upload(work: &Work, http: &Http, path: PathBuf, size: u64, md5s: &Md5s) -> Outcome {
    let target = target(work, &path, size, md5s)?;
    let source = tokio::task::spawn_blocking(move || Source::open(&path)).await??;
    let upload = Upload {
        http: http.clone(),
        source: Arc::new(source),
        target,
        progress: Arc::default(),
        log: Log::silent(),
        idle_timeout: policy::UPLOAD_IDLE_TIMEOUT,
        patience: Duration::ZERO,
    };
    let uploaded = upload.run().await?;
    if !work.off && !uploaded.warnings.is_empty() {
        return Err(uploaded.warnings.join("\n").into());
    }
    Ok(())
}

/// What a server would hand out.
fn target(work: &Work, path: &PathBuf, size: u64, md5s: &Md5s) -> Outcome<Target> {
    let plan = Plan::for_size(size)?;
    let metadata = match plan {
        Plan::Single => json!({"url": work.address(path, 1, md5s)?.as_str()}),
        Plan::Parts { count, .. } => {
            let urls = (1..=count)
                .map(|number| Ok(json!({"part_number": number, "signed_url": work.address(path, number, md5s)?.as_str()})))
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
