//! The third step: components are created and bytes uploaded. No reviewer sees anything of it: a component
//! without a version is shown nowhere.

use super::answers::text;
use super::ids::{Ids, SERVER_LOCATION};
use super::resolve::Place;
use super::work::Work;
use crate::ftrack::operation::UploadFile;
use crate::ftrack::{Committed, Filter, Operation, Query, rows};
use crate::media::Media;
use crate::session::{Code, Error, Result, Source, policy};
use crate::transfer::{Plan, Progress, Target, Upload, Uploaded};
use futures_util::future::try_join_all;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A file on its way to storage.
struct File {
    component_id: String,
    component_name: &'static str,
    file_type: String,
    file_name: String,
    source: Arc<Source>,
    plan: Plan,
    progress: Arc<Progress>,
}

/// What is in storage now, and what was learned on the way.
pub struct Stored {
    /// The asset, if it is there already.
    pub asset_id: Option<String>,
    /// Names of the components whose location is still to be told to the server.
    pub unlocated: Vec<&'static str>,
    pub warnings: Vec<String>,
}

/// Creates the components and uploads their bytes.
pub async fn store(work: &Work, place: &Place, media: Vec<(Media, &'static str)>) -> Result<Stored> {
    let files = media.into_iter().map(|media| file(media, &work.ids)).collect::<Result<Vec<File>>>()?;
    measure(work, &files);

    let (asset_id, metadata) = begin(work, place, &files).await?;
    let mut uploads = Vec::new();
    for (file, metadata) in files.iter().zip(&metadata) {
        uploads.push(upload(work, file, metadata));
    }
    let uploaded = try_join_all(uploads).await?;

    let (mut warnings, mut unlocated) = (Vec::new(), Vec::new());
    let (mut complete, mut locations) = (Vec::new(), Vec::new());
    for (file, (target, uploaded)) in files.iter().zip(uploaded) {
        warnings.extend(uploaded.warnings);
        if let Target::Parts { upload_id, .. } = target {
            complete.push(Operation::complete_multipart_upload(&file.component_id, &upload_id, &uploaded.parts));
            complete.push(location(&work.ids, file.component_name));
            locations.push(work.ids.location_of(file.component_name));
        } else {
            unlocated.push(file.component_name);
        }
    }
    if !complete.is_empty() {
        // Together with the locations (as the official JavaScript client does), because their being there is the one sign by
        // which a completion whose answer was lost can be recognised; completing twice is an error.
        let probe = Query::select(&["id"], "ComponentLocation").filter(Filter::within("id", locations));
        work.client.patient(policy::UPLOAD_PATIENCE).commit(&complete, &probe).await?;
    }
    Ok(Stored { asset_id, unlocated, warnings })
}

/// That the bytes of a component are in ftrack's own location, where their name is the component's id (official clients, both).
pub fn location(ids: &Ids, component_name: &str) -> Operation {
    let component_id = ids.of(component_name);
    let attributes =
        [("component_id", component_id), ("location_id", SERVER_LOCATION), ("resource_identifier", component_id)];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    Operation::create("ComponentLocation", ids.location_of(component_name), attributes)
}

fn file((media, component_name): (Media, &'static str), ids: &Ids) -> Result<File> {
    let source = media.source;
    let file_name = source.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(File {
        component_id: ids.of(component_name).to_owned(),
        component_name,
        file_type: media.file_type,
        file_name,
        plan: Plan::for_size(source.size_bytes()).map_err(|error| {
            let message = format!("'{}': {}", source.path().display(), error.message);
            Error { message, ..error }
        })?,
        source,
        progress: Arc::default(),
    })
}

fn measure(work: &Work, files: &[File]) {
    let total = files.iter().map(|file| file.source.size_bytes()).sum();
    let parts: Vec<Arc<Progress>> = files.iter().map(|file| file.progress.clone()).collect();
    work.job.measure(Box::new(move || (parts.iter().map(|part| part.sent()).sum(), total)));
}

/// One request: is the asset there, the components, and where their bytes go. The official Adobe plug-in sends the
/// same in one batch (share.js). The upload metadata are in the order of the files.
async fn begin(work: &Work, place: &Place, files: &[File]) -> Result<(Option<String>, Vec<Value>)> {
    let asset = place.asset_query();
    let mut operations: Vec<Operation> = asset.iter().map(Operation::query).collect();
    for file in files {
        operations.push(Operation::create("FileComponent", &file.component_id, attributes(file)));
        operations.push(metadata(file));
    }
    work.made.lock().components = files.iter().map(|file| file.component_id.clone()).collect();
    let ids = files.iter().map(|file| file.component_id.as_str());
    let probe = Query::select(&["id"], "FileComponent").filter(Filter::within("id", ids));
    let committed = work.client.commit(&operations, &probe).await;
    work.begun.notify_one();
    let (step, results) = match committed? {
        Committed::Now(results) => (2, results),
        Committed::Before(_) => {
            // The components are there, and the answer with the addresses was lost: they can be asked for again.
            let again: Vec<Operation> = asset.iter().map(Operation::query).chain(files.iter().map(metadata)).collect();
            (1, work.client.call_repeatable(&again).await?)
        }
    };
    let mut results = results.into_iter();
    let asset_id = match asset {
        Some(_) => rows(results.next().unwrap_or_default())?.first().map(|row| text(row, "id")).transpose()?,
        None => None,
    };
    Ok((asset_id, results.skip(step - 1).step_by(step).collect()))
}

fn attributes(file: &File) -> Map<String, Value> {
    let attributes = [
        ("name", json!(file.component_name)),
        ("file_type", json!(file.file_type)),
        ("size", json!(file.source.size_bytes())),
    ];
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn metadata(file: &File) -> Operation {
    let upload = UploadFile {
        component_id: &file.component_id,
        file_name: &file.file_name,
        file_size: file.source.size_bytes(),
    };
    match file.plan {
        Plan::Single => Operation::get_upload_metadata(&upload, None),
        Plan::Parts { count, .. } => Operation::get_multipart_upload_metadata(&upload, count),
    }
}

async fn upload(work: &Work, file: &File, metadata: &Value) -> Result<(Target, Uploaded)> {
    let mut metadata = metadata.clone();
    let mut asked_again = false;
    loop {
        let upload = Upload {
            http: work.client.http().await?,
            source: file.source.clone(),
            target: Target::from_metadata(&metadata, file.plan, work.client.server_url())?,
            progress: file.progress.clone(),
            log: work.log.clone(),
            idle_timeout: policy::UPLOAD_IDLE_TIMEOUT,
            patience: policy::UPLOAD_PATIENCE,
        };
        match upload.run().await {
            Ok(uploaded) => {
                let size = file.source.size_bytes();
                work.log.info("publish", format_args!("{} is in storage: {size} bytes", file.file_name));
                return Ok((upload.target, uploaded));
            }
            // A slow link or a laptop that slept. Once: with fresh addresses all begins anew, and that must not go on for ever.
            Err(error) if error.code == Code::StorageExpired && !asked_again => {
                work.log.warning("publish", format_args!("{}: {error}; asking for a new address", file.file_name));
                asked_again = true;
                metadata = work
                    .client
                    .patient(policy::UPLOAD_PATIENCE)
                    .call_repeatable(&[self::metadata(file)])
                    .await?
                    .pop()
                    .unwrap_or_default();
            }
            Err(error) => return Err(error),
        }
    }
}
