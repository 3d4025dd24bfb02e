//! The third step: components are created and bytes uploaded. No reviewer sees anything of it: a component
//! without a version is shown nowhere.

use super::answers::{malformed, text};
use super::ids::{Ids, SERVER_LOCATION, Slot};
use super::part::{Attached, Part};
use super::resolve::Place;
use super::work::Work;
use crate::ftrack::operation::UploadFile;
use crate::ftrack::{Committed, Filter, Once, Operation, Query, rows};
use crate::session::blocking::blocking;
use crate::session::event::{Component, FileProgress};
use crate::session::{Code, Error, Result, Source, policy};
use crate::transfer::{Journal, Plan, Progress, Renewal, Target, Upload, Verify};
use futures_util::future::{BoxFuture, FutureExt, try_join_all};
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A file on its way to storage.
struct File {
    component_id: String,
    name: String,
    file_type: String,
    file_name: String,
    source: Arc<Source>,
    plan: Plan,
    /// Of a file whose storage is to refuse other bytes.
    md5: Option<[u8; 16]>,
    /// An earlier try had stored all of it.
    is_stored: bool,
    progress: Arc<Progress>,
}

/// What is in storage now, and what was learned on the way.
pub struct Stored {
    /// The asset, if it is there already.
    pub asset_id: Option<String>,
    /// The components in storage, whose location and meaning are still to be told to the server.
    pub parts: Vec<Part>,
    /// Those that need nothing but their version.
    pub registered: Vec<Attached>,
    pub warnings: Vec<String>,
}

impl Stored {
    /// All components of the version, the media first.
    pub fn attached(&self, ids: &Ids) -> Vec<Attached> {
        let part = |part: &Part| Attached {
            entity_type: "FileComponent",
            component: Component { name: part.name.clone(), id: ids.of(&part.slot), location_id: SERVER_LOCATION },
        };
        // What hangs on the note is the note's.
        let parts = self.parts.iter().filter(|part| !matches!(part.slot, Slot::Attachment(_)));
        let mut attached: Vec<Attached> = parts.map(part).chain(self.registered.iter().cloned()).collect();
        attached.sort_by_key(|attached| attached.component.id != ids.component);
        attached
    }
}

/// Creates the components and uploads their bytes.
pub async fn store(work: &Work, place: &Place, parts: Vec<Part>) -> Result<Stored> {
    let mut files = parts.iter().map(|part| file(part, work)).collect::<Result<Vec<File>>>()?;
    measure(work, &files);
    if work.publisher.traffic.verify() == Verify::ContentMd5 {
        for file in files.iter_mut().filter(|file| file.plan == Plan::Single) {
            file.md5 = Some(digest(&file.source).await?);
        }
    }
    for file in &mut files {
        file.is_stored = is_stored(work, file).await;
    }

    let (asset_id, metadata) = begin(work, place, &files).await?;
    let turns = Semaphore::new(policy::FILES_AT_ONCE);
    let uploads = files.iter().zip(metadata).map(async |(file, metadata)| {
        // Nobody closes it.
        let _turn = turns.acquire().await;
        upload(work, file, metadata).await
    });
    let warnings = try_join_all(uploads).await?.into_iter().flatten().collect();
    Ok(Stored { asset_id, parts, registered: Vec::new(), warnings })
}

/// That the bytes of a component are in ftrack's own location, where their name is the component's id (official clients, both).
pub fn location(ids: &Ids, slot: &Slot) -> Operation {
    let component_id = ids.of(slot);
    let attributes =
        [("component_id", &*component_id), ("location_id", SERVER_LOCATION), ("resource_identifier", &*component_id)];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    Operation::create("ComponentLocation", &ids.location_of(slot), attributes)
}

fn file(part: &Part, work: &Work) -> Result<File> {
    let source = part.source.clone();
    Ok(File {
        component_id: work.ids.of(&part.slot),
        name: part.name.clone(),
        file_type: part.file_type.clone(),
        file_name: work.name_of(source.path()),
        plan: Plan::for_size(source.size_bytes()).map_err(|error| {
            let message = format!("'{}': {}", source.path().display(), error.message);
            Error { message, ..error }
        })?,
        source,
        md5: None,
        is_stored: false,
        progress: Arc::default(),
    })
}

fn measure(work: &Work, files: &[File]) {
    let files: Vec<_> =
        files.iter().map(|file| (file.file_name.clone(), file.source.size_bytes(), file.progress.clone())).collect();
    work.job.measure(Box::new(move || {
        let read = |(name, total, progress): &(String, u64, Arc<Progress>)| FileProgress {
            name: name.clone(),
            bytes_done: progress.sent(),
            bytes_stored: progress.stored(),
            bytes_total: *total,
        };
        files.iter().map(read).collect()
    }));
}

/// Of a file that goes up in one request, and so is small.
async fn digest(source: &Arc<Source>) -> Result<[u8; 16]> {
    let source = source.clone();
    blocking(move || {
        let (mut hash, mut block) = (Md5::new(), vec![0; policy::BLOCK_SIZE]);
        let mut offset = 0;
        while offset < source.size_bytes() {
            // At most a block, whose size is a usize.
            let length = (source.size_bytes() - offset).min(policy::BLOCK_SIZE as u64) as usize;
            source.read_into(offset, &mut block[..length]).map_err(|error| source.unreadable(error))?;
            hash.update(&block[..length]);
            offset += length as u64;
        }
        Ok(hash.finalize().into())
    })
    .await
}

/// One request: is the asset there, the components, and where their bytes go. The official Adobe plug-in sends the
/// same in one batch (share.js). The upload metadata are in the order of the files, nothing for those that are in storage already:
/// some servers open an upload by giving its addresses, and nobody would end it.
async fn begin(work: &Work, place: &Place, files: &[File]) -> Result<(Option<String>, Vec<Value>)> {
    {
        let mut made = work.made.lock();
        made.components = files.iter().map(|file| file.component_id.clone()).collect();
        made.is_beginning = true;
    }
    let begun = create_or_update(work, place, files).await;
    work.made.lock().is_beginning = false;
    work.begun.notify_one();
    let results = begun?;
    work.made.lock().components_were_there = true;
    let mut results = results.into_iter();
    let asset_id = match place.asset_query() {
        Some(_) => rows(results.next().unwrap_or_default())?.first().map(|row| text(row, "id")).transpose()?,
        None => None,
    };
    let metadata = files.iter().map(|file| {
        // What became of the component itself.
        results.next();
        if file.is_stored { Value::Null } else { results.next().unwrap_or_default() }
    });
    Ok((asset_id, metadata.collect()))
}

/// Creates the components that are not there, and has those that are there fit the files: they are of an earlier try, or of this
/// one, whose answer was lost. What is created is asked for before it is created again.
async fn create_or_update(work: &Work, place: &Place, files: &[File]) -> Result<Vec<Value>> {
    let ids = |files: &[&File]| files.iter().map(|file| file.component_id.clone()).collect::<Vec<_>>();
    let mut there: Vec<String> = Vec::new();
    loop {
        let missing: Vec<&File> = files.iter().filter(|file| !there.contains(&file.component_id)).collect();
        let asset = place.asset_query();
        let mut operations: Vec<Operation> = asset.iter().map(Operation::query).collect();
        for file in files {
            operations.push(match there.contains(&file.component_id) {
                true => Operation::update("FileComponent", &[&file.component_id], attributes(file)),
                false => Operation::create("FileComponent", &file.component_id, attributes(file)),
            });
            if !file.is_stored {
                operations.push(metadata(file));
            }
        }
        if missing.is_empty() {
            return work.client().call_repeatable(&operations).await;
        }
        let probe = Query::select(&["id"], "FileComponent").filter(Filter::within("id", ids(&missing)));
        match work.client().commit(&operations, &probe).await? {
            Committed::Now(results) => return Ok(results),
            // At least one more each time.
            Committed::Before(rows) => {
                let found = missing.iter().filter(|file| rows.iter().any(|row| row["id"] == *file.component_id));
                let found: Vec<String> = found.map(|file| file.component_id.clone()).collect();
                if found.is_empty() {
                    return Err(malformed("FileComponent.id"));
                }
                there.extend(found);
            }
        }
    }
}

fn attributes(file: &File) -> Map<String, Value> {
    let attributes =
        [("name", json!(file.name)), ("file_type", json!(file.file_type)), ("size", json!(file.source.size_bytes()))];
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn metadata(file: &File) -> Operation {
    let upload = UploadFile {
        component_id: &file.component_id,
        file_name: &file.file_name,
        file_size: file.source.size_bytes(),
    };
    match file.plan {
        Plan::Single => Operation::get_upload_metadata(&upload, file.md5),
        Plan::Parts { count, .. } => Operation::get_multipart_upload_metadata(&upload, count),
    }
}

/// Uploads one file, puts its parts together and checks what the storage holds then. Returns what is not as it should be.
async fn upload(work: &Work, file: &File, metadata: Value) -> Result<Vec<String>> {
    if file.is_stored {
        file.progress.found_stored(file.source.size_bytes());
        work.log.info("publish", format_args!("{} had been stored by an earlier try", file.file_name));
        return Ok(Vec::new());
    }
    let mut warnings = Vec::new();
    let journal = match journal(work, file).await {
        Ok(journal) => journal,
        Err(error) => {
            warnings.push(format!("'{}' cannot be taken up again later: {}", file.file_name, error.message));
            None
        }
    };
    let renewal = Addresses { work, file };
    let mut target = Target::from_metadata(&metadata, file.plan, work.client().server_url())?;
    for begun_anew in [false, true] {
        let upload = Upload {
            http: work.client().http().await?,
            source: file.source.clone(),
            target,
            renewal: &renewal,
            traffic: work.publisher.traffic.clone(),
            gate: work.job.gate().clone(),
            progress: file.progress.clone(),
            journal: journal.clone(),
            log: work.log.clone(),
        };
        let uploaded = upload.run().await?;
        warnings.extend(uploaded.warnings);
        let completed = match &uploaded.upload_id {
            Some(upload_id) => complete(work, file, upload_id, &uploaded.parts).await,
            None if uploaded.verified => Ok(()),
            None => work.check_size(&file.component_id, None, file.source.size_bytes()).await.map(drop),
        };
        let doubtful = |error: &Error| match error.code {
            Code::StorageRefused | Code::StorageMismatch if uploaded.taken_up > 0 => true,
            code => code == Code::StorageExpired || error.details.outcome_unknown,
        };
        match completed {
            // Nobody can tell what became of it, or a part that an earlier try had noted is none: with the same bytes sent again,
            // all is well in either case.
            Err(error) if !begun_anew && doubtful(&error) => {
                work.log.warning("publish", format_args!("{}: {error}; uploading it again", file.file_name));
                // Noted is what is in storage until the server has another place for it.
                target = renewal.renew().await?;
                forget(journal.clone()).await;
            }
            Err(error) => return Err(error),
            Ok(()) => {
                note_stored(work, file).await;
                forget(journal).await;
                let size = file.source.size_bytes();
                work.log.info("publish", format_args!("{} is in storage: {size} bytes", file.file_name));
                return Ok(warnings);
            }
        }
    }
    // The second round ends in one of the arms above.
    Err(Error::new(Code::Internal, "a defect in the library lost an upload: please report it"))
}

/// Whether an earlier try had stored the whole file, as the outbox notes and the storage says.
async fn is_stored(work: &Work, file: &File) -> bool {
    let size = file.source.size_bytes();
    let noted = work.kept.get().and_then(|kept| kept.fact(&stored(file)));
    noted == Some(json!(size)) && work.check_size(&file.component_id, None, size).await.unwrap_or_default()
}

/// For a later try, should this one end before the version shows the file.
async fn note_stored(work: &Work, file: &File) {
    if let Some(kept) = work.kept.get()
        && let Err(error) = kept.note(&stored(file), json!(file.source.size_bytes())).await
    {
        work.log.info("publish", format_args!("not noted in the outbox: {error}"));
    }
}

/// The name of the fact.
fn stored(file: &File) -> String {
    format!("stored {}", file.component_id)
}

/// Makes one object of the parts. Whether that was done when the answer is lost, the object itself tells.
async fn complete(work: &Work, file: &File, upload_id: &str, parts: &[(u32, String)]) -> Result<()> {
    let (component_id, size) = (&file.component_id, file.source.size_bytes());
    let operations = [Operation::complete_multipart_upload(component_id, upload_id, parts)];
    let done = || async { Ok(work.check_size(component_id, None, size).await?.then_some(())) }.boxed();
    let completed = work.client().patient(policy::UPLOAD_PATIENCE).once(&operations, done).await;
    let completed = match completed {
        // Another try with the same key may have completed this very upload.
        Err(error) if error.message.contains("NoSuchUpload") => match done().await {
            Ok(Some(())) => Ok(Once::Before(())),
            _ => Err(Error { code: Code::StorageExpired, ..error }),
        },
        completed => completed,
    };
    match completed.map_err(|error| refused_parts(error, &file.file_name))? {
        Once::Now(results) => {
            let address = results.first().and_then(|result| result["url"].as_str());
            work.check_size(component_id, address, size).await.map(drop)
        }
        Once::Before(()) => Ok(()),
    }
}

/// The server passes on what its storage says to the parts as a whole (S3's names for it).
fn refused_parts(error: Error, file_name: &str) -> Error {
    const NAMES: [&str; 4] = ["EntityTooSmall", "EntityTooLarge", "InvalidPart", "MaxMessageLengthExceeded"];
    match NAMES.iter().any(|name| error.message.contains(name)) {
        true => Error {
            message: format!(
                "'{file_name}' was uploaded, and the storage does not take its parts: {}; if it happens again, ask the \
                 storage's administrator",
                error.message
            ),
            code: Code::StorageRefused,
            ..error
        },
        false => error,
    }
}

/// Fresh addresses of one file.
struct Addresses<'a> {
    work: &'a Work,
    file: &'a File,
}

impl Renewal for Addresses<'_> {
    fn renew(&self) -> BoxFuture<'_, Result<Target>> {
        Box::pin(async {
            let client = self.work.client().patient(policy::UPLOAD_PATIENCE);
            let metadata = client.call_repeatable(&[metadata(self.file)]).await?.pop().unwrap_or_default();
            Target::from_metadata(&metadata, self.file.plan, self.work.client().server_url())
        })
    }
}

/// Where the parts of this file are noted, if they are.
async fn journal(work: &Work, file: &File) -> Result<Option<Arc<Journal>>> {
    let Some(folder) = work.journal_folder().filter(|_| file.plan != Plan::Single) else { return Ok(None) };
    let (folder, id, source) = (folder.to_owned(), file.component_id.clone(), file.source.fingerprint());
    blocking(move || Journal::open(&folder, &id, &source)).await.map(|journal| Some(Arc::new(journal)))
}

async fn forget(journal: Option<Arc<Journal>>) {
    if let Some(journal) = journal {
        let _ = tokio::task::spawn_blocking(move || journal.remove()).await;
    }
}
