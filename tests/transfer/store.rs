//! A storage as S3 is one, small enough to know everything about it: objects, uploads in parts, addresses that are signed and
//! run out. What it holds in the end is what the tests judge by. How requests reach it is in `wire`.

use super::fault::{Fault, Reply};
use ftreview::transfer::Plan;
use md5::{Digest, Md5};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use url::Url;

/// In every address, and in nothing that a user may see.
pub const SECRET: &str = "5ecre7cafe5ecre7cafe";

/// The one object that a storage is asked to keep.
pub const KEY: &str = "component";

/// Which request: that of the whole file, or of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Whole,
    Part(u32),
}

/// How long addresses live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// They have run out when they are handed out.
    Over,
    /// They are refused, and not for their age.
    Denied,
    /// Until so many requests were answered with success; to a request that is under way then it is said at its end.
    Requests(u64),
}

/// A request as the storage saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub place: Place,
    /// Which hand-out of addresses it came with, counted from 1.
    pub generation: u64,
    /// How much of the body was read.
    pub received: u64,
    pub began: Instant,
    /// When it ended, however it did.
    pub ended: Option<Instant>,
    /// The status that was answered.
    pub status: Option<u16>,
}

/// The storage's memory and its rules.
pub struct Store {
    pub url: Url,
    /// Where addresses of `late_place` point to.
    pub late_url: Option<Url>,
    pub late_place: Option<Place>,
    /// Whether a renewal of addresses opens another upload in parts.
    pub renews_upload: bool,
    /// What the server has signed with the address of a whole file.
    pub content_md5: Option<String>,
    /// Whether it says no to an address at once and closes the connection, with the body unread.
    pub refuses_early: bool,
    state: Mutex<State>,
    successes: AtomicU64,
}

#[derive(Default)]
struct State {
    objects: HashMap<String, Vec<u8>>,
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    opaque: HashMap<String, Vec<u8>>,
    rules: Vec<Rule>,
    lives: Vec<Life>,
    seen: Vec<Seen>,
    completed: u32,
    hand_outs: u64,
}

struct Rule {
    place: Place,
    fault: Fault,
    left: u32,
}

/// What an address stands for.
#[derive(Clone, Debug)]
pub struct Aim {
    pub place: Place,
    pub generation: u64,
    upload_id: Option<String>,
    signature: String,
}

impl Store {
    pub fn new(url: Url) -> Store {
        Store {
            url,
            late_url: None,
            late_place: None,
            renews_upload: false,
            content_md5: None,
            refuses_early: false,
            state: Mutex::default(),
            successes: AtomicU64::new(0),
        }
    }

    /// The next requests for `place`, so many of them, meet the fault.
    pub fn spoil(&self, place: Place, fault: Fault, times: u32) {
        self.state.lock().rules.push(Rule { place, fault, left: times });
    }

    /// No fault is left.
    pub fn behave(&self) {
        self.state.lock().rules.clear();
    }

    /// The lives of the addresses of each hand-out, the first one first; those after them live long.
    pub fn set_lives(&self, lives: impl IntoIterator<Item = Life>) {
        self.state.lock().lives = lives.into_iter().collect();
    }

    fn headers(&self, size: u64) -> Value {
        let mut headers = json!({"Content-Type": "video/quicktime", "Content-Length": size.to_string()});
        if let Some(md5) = &self.content_md5 {
            headers["Content-MD5"] = md5.as_str().into();
        }
        headers
    }

    /// Addresses, as the server answers `get_upload_metadata`. The first call opens the upload.
    pub fn hand_out(&self, plan: Plan, size: u64) -> Value {
        let generation = {
            let mut state = self.state.lock();
            state.hand_outs += 1;
            state.hand_outs
        };
        match plan {
            Plan::Single => json!({
                "url": self.address(Place::Whole, generation, None),
                "headers": self.headers(size),
            }),
            Plan::Parts { count, .. } => {
                let upload_id = if self.renews_upload { format!("upload-{generation}") } else { "upload-1".to_owned() };
                self.state.lock().uploads.entry(upload_id.clone()).or_default();
                let urls: Vec<Value> = (1..=count)
                    .map(|number| {
                        let url = self.address(Place::Part(number), generation, Some(&upload_id));
                        json!({"part_number": number, "signed_url": url})
                    })
                    .collect();
                json!({"upload_id": upload_id, "urls": urls})
            }
        }
    }

    fn address(&self, place: Place, generation: u64, upload_id: Option<&str>) -> String {
        let base = match &self.late_url {
            Some(late) if self.late_place == Some(place) => late,
            _ => &self.url,
        };
        let mut url = base.join(KEY).unwrap();
        let mut query = url.query_pairs_mut();
        if let (Place::Part(number), Some(upload_id)) = (place, upload_id) {
            query.append_pair("partNumber", &number.to_string()).append_pair("uploadId", upload_id);
        }
        query.append_pair("generation", &generation.to_string());
        query.append_pair("X-Amz-Signature", SECRET);
        drop(query);
        url.to_string()
    }

    /// Reads the target of a request.
    pub fn aim(&self, target: &str) -> Aim {
        let url = self.url.join(target).unwrap();
        assert_eq!(url.path(), format!("/{KEY}"));
        let pairs: HashMap<_, _> = url.query_pairs().into_owned().collect();
        Aim {
            place: pairs.get("partNumber").map_or(Place::Whole, |number| Place::Part(number.parse().unwrap())),
            generation: pairs["generation"].parse().unwrap(),
            upload_id: pairs.get("uploadId").cloned(),
            signature: pairs["X-Amz-Signature"].clone(),
        }
    }

    /// What S3 says to a request that it does not take.
    pub fn check(&self, aim: &Aim) -> Result<(), Reply> {
        if aim.signature != SECRET {
            return Err(Reply::s3(403, "SignatureDoesNotMatch", "Check your key and signing method."));
        }
        let state = self.state.lock();
        let over = match state.lives.get(aim.generation as usize - 1) {
            Some(Life::Denied) => return Err(Reply::s3(403, "SignatureDoesNotMatch", "Check your key.")),
            Some(Life::Over) => true,
            Some(Life::Requests(count)) => self.successes.load(Ordering::SeqCst) >= *count,
            None => false,
        };
        if over {
            return Err(Reply::s3(403, "AccessDenied", "Request has expired"));
        }
        if aim.upload_id.as_ref().is_some_and(|upload_id| !state.uploads.contains_key(upload_id)) {
            return Err(Reply::s3(404, "NoSuchUpload", "The specified upload does not exist."));
        }
        Ok(())
    }

    /// The fault that the next request for `place` meets.
    pub fn next_fault(&self, place: Place) -> Option<Fault> {
        let mut state = self.state.lock();
        let rule = state.rules.iter_mut().find(|rule| rule.place == place && rule.left > 0)?;
        rule.left = rule.left.saturating_sub(u32::from(rule.left != u32::MAX));
        Some(rule.fault.clone())
    }

    /// Keeps the bytes of one request and gives their ETag.
    pub fn keep(&self, aim: &Aim, bytes: Vec<u8>) -> String {
        let etag = md5_hex(&bytes);
        self.keep_as(aim, bytes, &etag);
        etag
    }

    /// Keeps the bytes of one request under an ETag that is no checksum.
    pub fn keep_opaque(&self, aim: &Aim, bytes: Vec<u8>) -> String {
        let etag = format!("opaque-{:?}-{}", aim.place, bytes.len());
        self.keep_as(aim, bytes, &etag);
        etag
    }

    fn keep_as(&self, aim: &Aim, bytes: Vec<u8>, etag: &str) {
        let mut state = self.state.lock();
        if !etag.chars().all(|letter| letter.is_ascii_hexdigit()) {
            state.opaque.insert(etag.to_owned(), bytes.clone());
        }
        match (&aim.upload_id, aim.place) {
            (Some(upload_id), Place::Part(number)) => {
                state.uploads.get_mut(upload_id).unwrap().insert(number, bytes);
            }
            _ => {
                state.objects.insert(KEY.to_owned(), bytes);
            }
        }
    }

    /// Puts the parts together, in the order of their numbers, as `complete_multipart_upload` does; the upload is gone then.
    pub fn complete(&self, upload_id: &str, parts: &[(u32, String)]) -> Result<(), String> {
        let mut state = self.state.lock();
        let Some(stored) = state.uploads.get(upload_id) else { return Err("NoSuchUpload".to_owned()) };
        if !parts.is_sorted_by_key(|(number, _)| *number) || parts.is_empty() {
            return Err(format!("InvalidPartOrder: {parts:?}"));
        }
        let mut object = Vec::new();
        for (number, etag) in parts {
            let Some(bytes) = stored.get(number) else { return Err(format!("InvalidPart: {number} is not there")) };
            let opaque = state.opaque.get(etag) == Some(bytes);
            if !opaque && *etag != md5_hex(bytes) {
                return Err(format!("InvalidPart: {number} has another ETag"));
            }
            object.extend_from_slice(bytes);
        }
        state.objects.insert(KEY.to_owned(), object);
        state.uploads.remove(upload_id);
        state.completed += 1;
        Ok(())
    }

    /// The object's bytes, if there is one.
    pub fn object(&self) -> Option<Vec<u8>> {
        self.state.lock().objects.get(KEY).cloned()
    }

    /// How often addresses were handed out.
    pub fn hand_outs(&self) -> u64 {
        self.state.lock().hand_outs
    }

    /// Forgets the upload in parts, as S3 does when it was aborted or cleaned away.
    pub fn forget(&self, aim: &Aim) {
        self.state.lock().uploads.remove(aim.upload_id.as_deref().unwrap_or_default());
    }

    /// How often parts were put together.
    pub fn completed(&self) -> u32 {
        self.state.lock().completed
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().seen.clone()
    }

    /// A request has begun; gives its number.
    pub fn begin(&self, aim: &Aim) -> usize {
        let mut state = self.state.lock();
        state.seen.push(Seen {
            place: aim.place,
            generation: aim.generation,
            received: 0,
            began: Instant::now(),
            ended: None,
            status: None,
        });
        state.seen.len() - 1
    }

    pub fn received(&self, request: usize, bytes: u64) {
        self.state.lock().seen[request].received += bytes;
    }

    pub fn answered(&self, request: usize, status: u16) {
        if (200..300).contains(&status) {
            self.successes.fetch_add(1, Ordering::SeqCst);
        }
        self.state.lock().seen[request].status = Some(status);
    }

    pub fn ended(&self, request: usize) {
        self.state.lock().seen[request].ended = Some(Instant::now());
    }
}

pub fn md5_hex(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
