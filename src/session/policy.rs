//! Every number that is a choice, with its reason. None stands anywhere else.

use std::time::Duration;

/// One API request, from sending to the whole answer: what the official Python client allows.
pub const API_TIMEOUT: Duration = Duration::from_secs(60);

/// Reaching a server: a studio's VPN needs a few seconds, a dead address should not take a minute.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An upload on which no byte moves for this long is stuck. Total time is not limited: films are large and links slow.
pub const UPLOAD_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How often one request is tried, the first time included, before the failure is told.
pub const ATTEMPTS: u32 = 4;

/// The first wait between tries; doubled each time, and any part of it is taken by chance so that a farm does not come back at once.
pub const RETRY_BASE: Duration = Duration::from_millis(500);

/// The longest wait between tries, also where the server asks for more: a job should rather fail and say so.
pub const RETRY_CAP: Duration = Duration::from_secs(30);

/// The longest pause before a server that is away is asked again whether it is there: an artist who looks at the status
/// should not look long, and a farm should not be noticed.
pub const RECONNECT_PAUSE: Duration = Duration::from_secs(20);

/// A version that was created and lacks its media is worth this much waiting for a server that is being restarted.
pub const ATTACH_PATIENCE: Duration = Duration::from_secs(300);

/// How long a review session that a publish makes is open: two weeks are time for a client to be on holiday, and what is to
/// stay open for longer is opened by a person.
pub const REVIEW_SESSION_OPEN: Duration = Duration::from_secs(14 * 24 * 3600);

/// How long the server may take to encode, from when it was asked: an hour of film, behind those of others, takes about that.
pub const ENCODE_PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// From that question to the first look at the server's job, doubled each time: a still takes a second.
pub const ENCODE_FIRST_LOOK: Duration = Duration::from_millis(500);

/// The longest between two looks where no event tells of the job: an artist who waits should not wait long for nothing.
pub const ENCODE_LOOK: Duration = Duration::from_secs(10);

/// The same while the event hub is connected, which tells of it: events can be lost.
pub const ENCODE_LOOK_HEARING: Duration = Duration::from_secs(60);

/// What was uploaded, even in part, is worth this much waiting for a network that comes back: a VPN that connects again, a
/// gateway that is restarted. A host that knows better cancels.
pub const UPLOAD_PATIENCE: Duration = Duration::from_secs(120);

/// The longest wait between tries in those times: long enough for a server that starts, short enough for a reviewer.
pub const PATIENT_PAUSE: Duration = Duration::from_secs(5);

/// The largest API answer that is read: a page of 500 entities is well below, and a wrong server may send without end.
pub const ANSWER_LIMIT: usize = 64 << 20;

/// What is quoted of others' words in a message: enough for a sentence of the server, too little for a web page.
pub const QUOTE_LIMIT: usize = 400;

/// An idle connection is kept this long for the next request: shorter than the 60 s and more after which proxies and
/// servers close theirs, so that a request is hardly ever sent into a connection that is just being closed.
pub const POOL_IDLE: Duration = Duration::from_secs(30);

/// Reading and sending: large enough that a system call per block does not count, small enough to cancel quickly.
pub const BLOCK_SIZE: usize = 1 << 20;

/// What is handed to a connection at once, and so the step in which progress is counted.
pub const FRAME_SIZE: usize = 256 << 10;

/// Under a bandwidth cap frames are so small that this many go out in a second: the flow is even, and no server takes a request for dead.
pub const FRAMES_PER_SECOND: u64 = 20;

/// No frame is smaller: below it the work for each costs more than its bytes.
pub const SMALLEST_FRAME: usize = 4 << 10;

/// A frame that a connection takes longer for is followed by smaller ones, and one that is taken in a small part of it by
/// larger ones: a request on a link of a few kB/s is seen to move well within `UPLOAD_IDLE_TIMEOUT`.
pub const SLOW_FRAME: Duration = Duration::from_millis(500);

/// What a connection may hold in this machine's buffers (hyper keeps up to 400 KiB, the kernel some more): so many of a
/// request's bytes count as sent only when the storage has answered.
pub const CONNECTION_BUFFERS: u64 = 512 << 10;

/// The memory of a session's uploads unless the host says otherwise: two blocks for each of `MOST_CONNECTIONS` connections.
pub const UPLOAD_MEMORY: u64 = 32 << 20;

/// The most requests at once that an upload grows to by itself: what fills a link of 1 Gbit/s whose connections carry
/// 8 MB/s each, and few enough for a proxy between.
pub const MOST_CONNECTIONS: usize = 16;

/// How long a number of connections is measured at least before another is tried.
pub const ADAPT_INTERVAL: Duration = Duration::from_millis(250);

/// And how many bytes each of them must have moved in that time, lest chance decides.
pub const ADAPT_BYTES: u64 = 1 << 20;

/// The part of their share that further connections must bring to stay: half as many again must bring 15 percent.
pub const ADAPT_GAIN: f64 = 0.3;

/// Connections that are this fast each, in bytes a second, are not limited by the network between but by the machines at its
/// ends, and more of them only cost: the usual 4 MiB of a connection's window fill 40 ms at this speed.
pub const ADAPT_FAST: u64 = 100_000_000;

/// Connections that brought nothing are not tried again before: links change, but not every second.
pub const ADAPT_REST: Duration = Duration::from_secs(20);

/// Refusals within this time are of requests that were under way together, and say once that they were too many.
pub const SLOW_DOWN_INTERVAL: Duration = Duration::from_secs(1);

/// Requests of a job that is paused are held open this long; storages close a silent connection after 20 s and more.
pub const PAUSE_HOLD: Duration = Duration::from_secs(10);

/// How often an upload in parts begins anew because the server gave it another upload id with fresh addresses: a link so
/// slow that the addresses never last would otherwise send for ever.
pub const FRESH_STARTS: u32 = 2;

/// The most that is read of a storage's answer: error documents are below 2 KiB, and good answers are empty.
pub const STORAGE_ANSWER_LIMIT: usize = 64 << 10;

/// A file of up to this many bytes goes up in one request: what the official JavaScript client does, two parts of 8 MiB being no gain.
pub const SINGLE_LIMIT: u64 = 16 << 20;

/// Up to a size, the size of the parts, both in bytes: the table of the official JavaScript client (get_chunk_size.ts). It keeps
/// parts few and above the 5 MiB that S3 asks for.
pub const PART_SIZES: [(u64, u64); 5] =
    [(128 << 20, 8 << 20), (1 << 30, 16 << 20), (8 << 30, 32 << 20), (64 << 30, 64 << 20), (u64::MAX, 128 << 20)];

/// S3 takes no more parts of one file; with the largest part size a file may have 1250 GiB.
pub const MAX_PARTS: u64 = 10_000;

/// Parts of one file under way at once, to begin with: what the official JavaScript client does.
pub const PARALLEL_PARTS: usize = 6;

/// Progress is told at most this often for a job: smooth to the eye, and no load on a host's main thread.
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Jobs that may be accepted and not yet reported. Each costs a reserved place, so the number bounds memory.
pub const JOB_CAPACITY: usize = 1024;

/// Publishes of large files of a session that run at once, and as many of small ones beside them; others that were accepted
/// wait for their turn. Each takes files and a connection at least, and more at once make none of them faster.
pub const PARALLEL_UPLOADS: usize = 4;

/// Servers show movies and images of more than one size since this version (official documentation, web review).
pub const LARGER_RENDITIONS: (u32, u32) = (4, 5);

/// Movies that are made are no higher than this unless the host asks for more: it is what all browsers decode without effort.
pub const REVIEW_HEIGHT: u32 = 1080;

/// Frames that are taken as thumbnails are no wider than this, as those of ftrack's own Nuke Studio integration.
pub const THUMBNAIL_WIDTH: u32 = 1280;

/// Frames of a sequence that are created by one request, and open at once: a few hundred operations are what servers take
/// without complaint, and a process may have a thousand files open.
pub const FRAMES_TOGETHER: usize = 100;

/// Files of one publish that are uploaded at once. Two large ones fill a link, and the small ones beside them need not wait
/// for those; more would only take memory from other publishes.
pub const FILES_AT_ONCE: usize = 6;

/// The most that a host may ask for: each takes a connection, and what a server's proxy allows one address is of this order.
pub const MOST_UPLOADS: usize = 64;

/// How long a job that is cancelled waits for the answer to a request that creates something, to remove what it made: servers
/// answer such a request in less than a second, and a host that cancels does not want to wait for a dead one.
pub const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// How long a job that is kept in the outbox may go on after its session was closed, when it is between the last two requests of
/// a publish: a version without its media should not wait for the next session.
pub const PARK_PATIENCE: Duration = Duration::from_secs(10);

/// Publishes from the outbox that run at once without the host having asked for them: what artists do now goes first.
pub const OUTBOX_RESUMED: usize = 2;

/// How often the outbox is looked through for what others have left in it: nobody waits for it, and hundreds of hosts may share one.
pub const OUTBOX_LOOK: Duration = Duration::from_secs(60);

/// From a failure that may pass to the next try of a publish in the outbox; doubled each time.
pub const OUTBOX_FIRST_PAUSE: Duration = Duration::from_secs(60);

/// The longest such pause: a server that was away for a weekend is noticed within the hour.
pub const OUTBOX_LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How often a publish looks whether another one with the same key, in another process, has ended.
pub const OUTBOX_KEY_PAUSE: Duration = Duration::from_secs(2);

/// Log lines kept for a host that does not poll; older ones go first and are counted.
pub const LOG_CAPACITY: usize = 1024;

/// A file must look the same for this long before it is believed to be complete.
pub const SETTLE_TIME: Duration = Duration::from_millis(250);

/// A file changed less than this ago is watched for `SETTLE_TIME`; older files are taken as they are.
pub const RECENT: Duration = Duration::from_secs(2);

/// The index of a movie (its moov box) is read whole into memory; a two-hour film with one sample a frame needs about 4 MiB.
/// Its tables take up to three times their room while they are read, so that probing stays below 64 MiB.
pub const MOVIE_INDEX_LIMIT: u64 = 16 << 20;

/// Boxes at the top of a movie: a dozen are usual, and a file without end of them is not a movie.
pub const MOVIE_BOX_LIMIT: usize = 1024;

/// Frames in a movie: two years of film. More is a damaged count, and below it no sum of times overflows.
pub const MOVIE_FRAME_LIMIT: u64 = u32::MAX as u64;

/// Wider or higher H.264 than this is beyond what most graphics cards decode, so that it stutters or stays black.
pub const MOVIE_LARGE: u32 = 4096;

/// Wider or higher images than this do not fit one texture of most graphics cards.
pub const IMAGE_LARGE: u32 = 16_384;

/// Segments before the picture of a JPEG: colour profiles and previews may take hundreds.
pub const JPEG_SEGMENT_LIMIT: usize = 10_000;

/// Where the end mark of an image is looked for: some programs append a little of their own after it.
pub const IMAGE_TAIL: u64 = 64 << 10;

/// What is read of the header of an image, or of one list in it. Headers of OpenEXR with a render's whole description in
/// them reach a few MiB.
pub const IMAGE_HEADER_LIMIT: u64 = 8 << 20;

/// What is read of the beginning of a movie in a container that is not probed in depth. Its tracks stand there, or are not
/// told.
pub const MOVIE_HEADER_LIMIT: u64 = 1 << 20;

/// Frames of one sequence: eleven hours of film. More is a slip of the keyboard, and this many fit into 32 MiB.
pub const SEQUENCE_FRAME_LIMIT: u64 = 1_000_000;

/// Digits that a notation may fill frame numbers to: more than 64 bits have.
pub const SEQUENCE_PADDING_LIMIT: usize = 20;

/// Ranges of frames that a message names before it only counts: they must fit a dialogue.
pub const SEQUENCE_NAMED: usize = 8;

/// The stack of the runtime thread: Rust's own default, named so that no host's ulimit changes it.
pub const RUNTIME_STACK: usize = 2 << 20;

/// Threads for reading files and resolving names: enough for the parts in flight, few enough for a render node.
pub const BLOCKING_THREADS: usize = 8;

/// What is read of the answer that begins a connection to the event hub: it is one line, and a page that stands in its place
/// is quoted only in part.
pub const HANDSHAKE_LIMIT: usize = 64 << 10;

/// The largest event that is taken from the hub. Updates with thousands of entities are a few MiB; what is larger ends the
/// connection rather than the host's memory.
pub const HUB_MESSAGE_LIMIT: usize = 16 << 20;

/// From the WebSocket to the server's greeting, and for a packet to leave: what takes longer is a connection that is dead.
pub const HUB_PATIENCE: Duration = Duration::from_secs(15);

/// A connection on which nothing came for this long is dead where the server named no times: the silence that the official
/// Python client allows.
pub const HUB_SILENCE: Duration = Duration::from_secs(60);

/// The times that a server may name for the same, in seconds: less is a mistake, more leaves a host deaf.
pub const HUB_SILENCE_RANGE: (u64, u64) = (2, 300);

/// The longest pause between tries to reach the hub: what the official JavaScript client does. There is no last try: an
/// artist's laptop sleeps for days.
pub const HUB_RECONNECT_CAP: Duration = Duration::from_secs(10);

/// The longest pause where the server asks for one (`Retry-After`): a server in maintenance may ask for hours, and an artist
/// should not be deaf so long after it is back.
pub const HUB_RETRY_AFTER_CAP: Duration = Duration::from_secs(300);

/// A connection that held for this long was a good one: the next try after it begins with the shortest pause.
pub const HUB_STEADY: Duration = Duration::from_secs(30);

/// Events that wait to be sent while the hub is being reached; older ones are dropped and counted.
pub const HUB_OUTGOING: usize = 1024;

/// The same in bytes: few are larger than some KiB.
pub const HUB_OUTGOING_BYTES: usize = 8 << 20;

/// Events kept for a host that does not poll; older ones are dropped and counted. A minute of a busy studio.
pub const HUB_INCOMING: usize = 4096;

/// The same in bytes.
pub const HUB_INCOMING_BYTES: usize = 32 << 20;

/// Published events whose end was not told yet. Each has a reserved place, so the number bounds memory.
pub const HUB_PUBLISHED: usize = 1024;

/// Packets whose acknowledgement is awaited, subscriptions and replies among them; a server that never acknowledges fills it
/// no further.
pub const HUB_UNACKNOWLEDGED: usize = 4096;

/// How long the acknowledgement of an event is awaited: the server answers at once, or the connection is dead.
pub const HUB_ACKNOWLEDGE: Duration = Duration::from_secs(30);

/// Subscriptions of a session: each is asked for again after every reconnect and compared with every event.
pub const HUB_SUBSCRIPTIONS: usize = 1024;

/// Parentheses and "not" inside each other in an expression: people write two or three.
pub const EXPRESSION_DEPTH: usize = 64;

/// Watches of a session: each keeps what it has told.
pub const WATCHES: usize = 256;

/// Versions in one watch, the latest published or all of a review session: more are beyond what a person follows.
pub const WATCHED_VERSIONS: usize = 1024;

/// Ids in one list of a query: servers refuse long ones.
pub const WATCH_LIST: usize = 200;

/// What reviewers did and nobody has polled. Beyond it the server is asked again when there is room, so that nothing is lost.
pub const WATCH_EVENTS: usize = 1024;

/// The longest that what is watched is not asked for though no event came: events can be lost without a sign, and where no
/// WebSocket gets through there are none at all.
pub const WATCH_REFRESH: Duration = Duration::from_secs(240);

/// From the first sign of a change to the question: a commit is often told in several events.
pub const WATCH_PAUSE: Duration = Duration::from_millis(100);

/// How long a publish that is done otherwise waits until others were told of it.
pub const ANNOUNCE_PATIENCE: Duration = Duration::from_secs(5);

/// How soon a watch goes on when a host that had not polled has made room.
pub const WATCH_ROOM_PAUSE: Duration = Duration::from_secs(1);

/// Packets of the hub that are written before one flush: a flood is a few large writes, and a heartbeat waits for no more than these.
pub const HUB_SENT_TOGETHER: usize = 256;

/// Answers to heartbeats and acknowledgements that may wait to be sent: a server that asks faster is answered a few times.
pub const HUB_URGENT: usize = 64;

/// Items of an outbox: a farm that was offline for a night leaves some hundreds, and each is a folder that is read to list them.
pub const OUTBOX_ITEMS: usize = 1000;

/// Bytes of copied sources in an outbox: some feature-length movies, and a part of an artist's home folder that nobody misses.
pub const OUTBOX_BYTES: u64 = 20 << 30;

/// An item that waits for longer is told as expired: after a month nobody waits for the review, and the source has moved on.
pub const OUTBOX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The largest note of one publish: what hosts add to it as JSON is some kB, and what is larger is no note of ours.
pub const OUTBOX_FILE_LIMIT: u64 = 16 << 20;

/// How long the lock of an item is asked for before somebody counts as working on it: it is held for the moment in which a name is
/// written into it, which a busy machine or a network drive makes longer.
pub const OUTBOX_LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// The pause between those tries.
pub const OUTBOX_LOCK_PAUSE: Duration = Duration::from_millis(1);

/// How often an item is begun anew because somebody else deleted its folder in the moment before it was locked.
pub const OUTBOX_FRESH_STARTS: u32 = 100;

/// How much of a source is copied between two looks at whether it is still wanted: less than a second of any disk.
pub const OUTBOX_COPY_STEP: u64 = 64 << 20;

/// How long an endpoint may take to answer once it has all of an upload, unless the host says otherwise: studios' endpoints
/// copy, check or register a film before they answer.
pub const ENDPOINT_PATIENCE: Duration = Duration::from_secs(300);

/// How long the bytes of an upload to an endpoint wait after the head of its request: who refuses by the head alone (401, 413)
/// and closes is heard within this time on most links, and would reset a connection in which bytes arrive.
pub const ENDPOINT_HEAD_START: Duration = Duration::from_millis(250);

/// Uploads to an endpoint of up to this many bytes do not wait so: they are gone before anybody can refuse them.
pub const ENDPOINT_SMALL: u64 = 64 << 10;

/// The most that is kept of an endpoint's answer: far more than a few ids, and too little to fill a host's memory.
pub const ENDPOINT_ANSWER_LIMIT: usize = 1 << 20;

/// The fields of a form, their names and its headers together: they are kept in memory, and a file is what is for large things.
pub const FORM_LIMIT: usize = 1 << 20;

/// A download is flushed to the disk, and how far it came noted, each time so many bytes were written: so much is fetched again
/// at most after a power cut, and a flush of this size holds up no network.
pub const DOWNLOAD_SYNC: u64 = 64 << 20;

/// How often a storage may send the reader of a component to another address: one hop is usual, and a circle has no end.
pub const REDIRECTS: usize = 5;

/// Entities that one request removes: long transactions hold up a server, and servers refuse long lists of ids.
pub const REMOVE_TOGETHER: usize = 200;

/// How often a program that runs beside the host is looked at: a cancelled job ends at once to the eye, and it costs nothing.
pub const CHILD_TICK: Duration = Duration::from_millis(50);

/// What is read of a program's output at once: what a pipe holds.
pub const CHILD_READ: usize = 64 << 10;

/// How often a program that is being written is tried, each `CHILD_TICK` apart.
pub const CHILD_BUSY_TRIES: u32 = 20;

/// How long a killed program is waited for; one that hangs in the kernel longer is left to a thread of its own.
pub const CHILD_KILL_PATIENCE: Duration = Duration::from_secs(5);

/// How much less important than the host a program is, in steps of nice: an artist goes on working while it encodes.
pub const CHILD_NICENESS: i32 = 5;

/// The stack of the few system calls between a new process and its program.
pub const CHILD_STACK: usize = 64 << 10;

/// Room for descriptors that a host opens while a process is started, where the kernel cannot close all at once.
pub const CHILD_DESCRIPTORS: i32 = 1024;

/// Movies made at once by this copy of the library: ffmpeg keeps all cores busy by itself, and two overlap reading and encoding.
pub const TRANSCODES: usize = 2;

/// Frames taken at once beside them: each takes a moment, and must not wait for a movie of half an hour.
pub const FRAME_GRABS: usize = 2;

/// An ffmpeg that has neither counted a frame nor written a byte for this long hangs. One frame of 16K EXR from a slow drive takes seconds.
pub const FFMPEG_STALL: Duration = Duration::from_secs(120);

/// Saying its version, or reading the first frame, takes ffmpeg this long at most: programs on network drives start slowly.
pub const FFMPEG_ANSWER: Duration = Duration::from_secs(60);

/// From SIGTERM to SIGKILL: a wrapper script needs a moment to clean up, a host that cancels wants none.
pub const FFMPEG_GRACE: Duration = Duration::from_secs(2);

/// How often the file that ffmpeg writes is looked at where it counts no frames: after the last one it moves the index to the front.
pub const FFMPEG_FILE_LOOK: Duration = Duration::from_secs(1);

/// What is kept of ffmpeg's words: its last lines say what went wrong, and a broken file makes it say millions.
pub const FFMPEG_LINES: usize = 8;

/// The longest of those lines, in bytes: more is a dump.
pub const FFMPEG_LINE: usize = 300;

/// What is read of an answer of ffmpeg: the list of its encoders has 20 KB, the description of a file may carry long metadata.
pub const FFMPEG_ANSWER_LIMIT: usize = 1 << 20;

/// Constant quality of x264, as the ASWF's encoding guidelines have it for review: no difference is seen.
pub const REVIEW_CRF: u8 = 18;

/// The peak of a review movie's stream in bits for each pixel, and for the whole of it: grain at a constant quality would
/// otherwise grow beyond what a reviewer's link carries. 1080p at 24 frames a second may take 20 Mbit/s.
pub const REVIEW_BITS_PER_PIXEL: f64 = 0.4;

/// The peak of a review movie's stream in bits a second, however large the picture.
pub const REVIEW_PEAK: u64 = 80_000_000;

/// Below this no peak is set: small pictures with sharp edges take more bits for each pixel, and are no burden.
pub const REVIEW_SMALLEST_PEAK: u64 = 4_000_000;

/// The beginning of a LUT that says its kind: comments may stand before it.
pub const LUT_HEAD: u64 = 64 << 10;

/// Frames from one key frame to the next: a browser that jumps to a frame decodes eleven others at most, and
/// the demo's movie is 13 percent larger than with one in ten seconds.
pub const REVIEW_KEY_INTERVAL: u32 = 12;

/// Sound of a review movie in bits a second: what AYON sends, beyond which nobody hears a difference in AAC.
pub const REVIEW_AUDIO: u64 = 192_000;

/// The highest rate a movie without a constant one is given: what displays show.
pub const REVIEW_FASTEST: u64 = 60;

/// Working folders of processes that were killed are removed when they are this old and nobody holds them.
pub const WORK_FOLDER_AGE: Duration = Duration::from_secs(600);
