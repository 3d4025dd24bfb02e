//! The third step: components are created and bytes uploaded. No reviewer sees anything of it: a component
//! without a version is shown nowhere.

use super::answers::{malformed, text};
use super::files::FrameSequence;
use super::ids::{Ids, SERVER_LOCATION, Slot};
use super::part::{Attached, Part};
use super::resolve::Place;
use super::work::{Measured, Work};
use crate::ftrack::operation::UploadFile;
use crate::ftrack::{Committed, Filter, Once, Operation, Query, rows};
use crate::session::blocking::blocking;
use crate::session::event::{Component, FileProgress};
use crate::session::{Code, Error, Result, Source, policy};
use crate::transfer::{Journal, Plan, Progress, Renewal, Target, Upload, Verify};
use futures_util::future::{BoxFuture, FutureExt, try_join_all};
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A file on its way to storage.
struct File {
    component_id: String,
    /// The sequence that it is a frame of.
    container_id: Option<String>,
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

/// Creates the components and uploads their bytes. The frames of `sequences` are uploaded later, and counted from now on.
pub async fn store(work: &Work, place: &Place, parts: Vec<Part>, sequences: &[FrameSequence]) -> Result<Stored> {
    let files = parts.iter().map(|part| file(part, work)).collect::<Result<Vec<File>>>()?;
    check_names(&parts)?;
    measure(work, &files, sequences);
    let (asset_id, warnings) = send(work, place.asset_query(), files).await?;
    Ok(Stored { asset_id, parts, registered: Vec::new(), warnings })
}

/// A version shows one component of each name. Files on the note are none of its components.
fn check_names(parts: &[Part]) -> Result<()> {
    let mut names = HashSet::new();
    let mut shown = parts.iter().filter(|part| !matches!(part.slot, Slot::Attachment(_)));
    match shown.find(|part| !names.insert(&part.name)) {
        None => Ok(()),
        Some(second) => Err(Error::new(
            Code::BadRole,
            format!(
                "component_name: \"{}\" would be the name of two components of the version: give '{}' another one",
                second.name,
                second.source.path().display()
            ),
        )),
    }
}

/// The same for some frames of a sequence, which are told their location, too. The progress is counted for the sequence.
pub async fn store_frames(work: &Work, sequence: &FrameSequence, parts: Vec<Part>) -> Result<Vec<String>> {
    let files = parts.iter().map(|part| file(part, work)).collect::<Result<Vec<File>>>()?;
    if let Some(measured) = work.measured.lock().iter_mut().find(|measured| measured.slot == sequence.slot) {
        measured.files.extend(files.iter().map(|file| file.progress.clone()));
    }
    let (_, warnings) = send(work, None, files).await?;
    let locations: Vec<Operation> = parts.iter().map(|part| location(&work.ids, &part.slot)).collect();
    let ids: Vec<String> = parts.iter().map(|part| work.ids.location_of(&part.slot)).collect();
    let there = if work.may_have_been_tried() { work.existing("ComponentLocation", &ids).await? } else { Vec::new() };
    let missing: Vec<String> = ids.iter().filter(|id| !there.contains(id)).cloned().collect();
    let operations: Vec<Operation> = locations
        .into_iter()
        .zip(&ids)
        .filter(|(_, id)| missing.contains(id))
        .map(|(operation, _)| operation)
        .collect();
    if !operations.is_empty() {
        let probe = Query::select(&["id"], "ComponentLocation").filter(Filter::within("id", missing));
        work.client().patient(policy::UPLOAD_PATIENCE).commit(&operations, &probe).await?;
    }
    Ok(warnings)
}

/// Creates the components of these files and uploads them.
async fn send(work: &Work, asset: Option<Query>, mut files: Vec<File>) -> Result<(Option<String>, Vec<String>)> {
    if work.publisher.traffic.verify() == Verify::ContentMd5 {
        for file in files.iter_mut().filter(|file| file.plan == Plan::Single) {
            file.md5 = Some(digest(&file.source).await?);
        }
    }
    for file in &mut files {
        file.is_stored = is_stored(work, file).await;
    }

    let (asset_id, metadata) = begin(work, asset, &files).await?;
    let turns = Semaphore::new(policy::FILES_AT_ONCE);
    let uploads = files.iter().zip(metadata).map(async |(file, metadata)| {
        // Nobody closes it.
        let _turn = turns.acquire().await;
        upload(work, file, metadata).await
    });
    Ok((asset_id, try_join_all(uploads).await?.into_iter().flatten().collect()))
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
        container_id: part.slot.sequence().map(|sequence| work.ids.of(&sequence)),
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

fn measure(work: &Work, files: &[File], sequences: &[FrameSequence]) {
    let file = |file: &File| Measured {
        slot: Slot::Media,
        name: file.file_name.clone(),
        total: file.source.size_bytes(),
        files: vec![file.progress.clone()],
    };
    let sequence = |sequence: &FrameSequence| Measured {
        slot: sequence.slot.clone(),
        name: sequence.printf_name(),
        total: sequence.size_bytes(),
        files: Vec::new(),
    };
    let uploaded = sequences.iter().filter(|sequence| sequence.upload);
    *work.measured.lock() = files.iter().map(file).chain(uploaded.map(sequence)).collect();
    let measured = work.measured.clone();
    work.job.measure(Box::new(move || {
        let sum =
            |measured: &Measured, bytes: fn(&Progress) -> u64| measured.files.iter().map(|file| bytes(file)).sum();
        let read = |measured: &Measured| FileProgress {
            name: measured.name.clone(),
            bytes_done: sum(measured, Progress::sent),
            bytes_stored: sum(measured, Progress::stored),
            bytes_total: measured.total,
        };
        measured.lock().iter().map(read).collect()
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
async fn begin(work: &Work, asset: Option<Query>, files: &[File]) -> Result<(Option<String>, Vec<Value>)> {
    let are_frames = files.iter().all(|file| file.container_id.is_some());
    if !are_frames {
        let ids: Vec<String> = files.iter().map(|file| file.component_id.clone()).collect();
        let mut made = work.made.lock();
        // What an earlier try has made beside them is still this publish's to take back.
        let known: HashSet<String> = made.components.iter().cloned().collect();
        made.components.extend(ids.iter().filter(|id| !known.contains(*id)).cloned());
        made.sent = ids;
    }
    let results = work.beginning(create_or_update(work, asset.as_ref(), files)).await?;
    work.made.lock().components_were_there |= !are_frames;
    let mut results = results.into_iter();
    let asset_id = match asset {
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
async fn create_or_update(work: &Work, asset: Option<&Query>, files: &[File]) -> Result<Vec<Value>> {
    let ids = |files: &[&File]| files.iter().map(|file| file.component_id.clone()).collect::<Vec<_>>();
    let mut there: Vec<String> = Vec::new();
    loop {
        let missing: Vec<&File> = files.iter().filter(|file| !there.contains(&file.component_id)).collect();
        let mut operations: Vec<Operation> = asset.into_iter().map(Operation::query).collect();
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
    let container = file.container_id.as_ref().map(|id| ("container_id", json!(id)));
    attributes.into_iter().chain(container).map(|(name, value)| (name.to_owned(), value)).collect()
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
