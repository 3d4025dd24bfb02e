//! Uploads that an earlier try began, in this process or in another.

use super::case::{ALWAYS, File, Outcome, Sending, Sent, Spot, http, judge_outcome};
use super::fault::{Fault, Moment, Reply};
use super::store::Place;
use super::wire::Server;
use ftreview::ftrack::Http;
use ftreview::session::Source;
use ftreview::transfer::Journal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The journal as a process finds it that knows nothing of another.
fn journal(folder: &Path, file: &File) -> Option<Arc<Journal>> {
    let fingerprint = Source::open(&file.path).unwrap().fingerprint();
    Some(Arc::new(Journal::open(folder, "component", &fingerprint).unwrap()))
}

async fn send(http: &Http, server: &Server, file: &File, folder: &Path) -> Sent {
    let journal = journal(folder, file);
    Sending { journal, ..Sending::new(http, server, file, file.plan(Spot::First)) }.run().await
}

/// A try that fails in the end, and how many parts it knows to be in storage.
async fn fail(http: &Http, server: &Server, file: &File, folder: &Path) -> usize {
    let gone = Reply::s3(400, "InvalidRequest", "Not today.");
    server.store.spoil(file.place(Spot::Last), Fault::Refuse(gone), 1);
    let sent = send(http, server, file, folder).await;
    assert!(sent.result.is_err(), "{:?}", sent.result);
    // The last part, which is smaller, is not among them.
    (sent.progress.stored() / file.part_size) as usize
}

/// How many lines are in the journal: one for the upload and one for each part.
fn notes(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap().filter_map(|entry| std::fs::read(entry.unwrap().path()).ok());
    files.map(|text| text.iter().filter(|byte| **byte == b'\n').count()).max().unwrap_or(0)
}

/// Parts that the second try sent. Requests of a first one that was killed may arrive late.
fn sent_again(server: &Server) -> Vec<Place> {
    server.store.seen().into_iter().filter(|seen| seen.generation == 2).map(|seen| seen.place).collect()
}

#[tokio::test]
async fn after_a_failure_only_the_parts_that_are_missing_are_sent() {
    let (server, file, folder) = (Server::start().await, File::small(), tempfile::tempdir().unwrap());
    let http = http(&server).await;
    let stored = fail(&http, &server, file, folder.path()).await;
    let sent = send(&http, &server, file, folder.path()).await;
    judge_outcome(&"again", &Outcome::Arrives, file, &server, &sent);
    let missing = sent_again(&server);
    assert!(stored > 0 && missing.len() == 9 - stored, "{stored} were there: {missing:?}");
}

#[tokio::test]
async fn after_a_kill_at_any_moment_only_what_was_not_noted_is_sent() {
    for alive in 0..9 {
        let (server, file, folder) = (Server::start().await, File::small(), tempfile::tempdir().unwrap());
        let http = http(&server).await;
        // All others arrive.
        for number in alive + 1..=9 {
            server.store.spoil(Place::Part(number), Fault::Stall(Moment::Quarters(2)), ALWAYS);
        }
        let journal = journal(folder.path(), file);
        let killed = Sending { journal, ..Sending::new(&http, &server, file, file.plan(Spot::First)) };
        tokio::select! {
            sent = killed.run() => panic!("{:?}", sent.result),
            () = async {
                while notes(folder.path()) < 1 + alive as usize {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
        drop(killed);
        server.store.behave();
        let sent = send(&http, &server, file, folder.path()).await;
        judge_outcome(&alive, &Outcome::Arrives, file, &server, &sent);
        assert_eq!(sent_again(&server).len(), 9 - alive as usize, "{alive} parts were there");
    }
}

#[tokio::test]
async fn an_upload_that_the_server_gave_up_begins_anew_and_says_so() {
    let server = Server::with(|store| store.renews_upload = true).await;
    let (file, folder) = (File::small(), tempfile::tempdir().unwrap());
    let http = http(&server).await;
    fail(&http, &server, file, folder.path()).await;
    let sent = send(&http, &server, file, folder.path()).await;
    judge_outcome(&"anew", &Outcome::Warns("from its beginning"), file, &server, &sent);
    assert_eq!(sent_again(&server).len(), 9);
}

#[tokio::test]
async fn a_file_that_has_changed_since_is_sent_from_its_beginning() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let file = File::new(8 * 100_003 + 33_333, 100_003);
    let http = http(&server).await;
    fail(&http, &server, &file, folder.path()).await;
    let written = std::fs::File::options().write(true).open(&file.path).unwrap();
    written.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    let sent = send(&http, &server, &file, folder.path()).await;
    judge_outcome(&"changed", &Outcome::Warns("from its beginning"), &file, &server, &sent);
    assert_eq!(sent_again(&server).len(), 9);
}

#[tokio::test]
async fn a_journal_that_was_cut_or_is_none_costs_no_more_than_sending_again() {
    for damage in [
        |text: Vec<u8>| text[..text.len() / 2].to_vec(),
        |text: Vec<u8>| text[..text.len() - 1].to_vec(),
        |_: Vec<u8>| Vec::new(),
        |text: Vec<u8>| vec![0; text.len()],
        |_: Vec<u8>| b"{\"version\":1}\n\n{\"part\":1,\"etag\":\"\"}\n".to_vec(),
    ] {
        let (server, file, folder) = (Server::start().await, File::small(), tempfile::tempdir().unwrap());
        let http = http(&server).await;
        fail(&http, &server, file, folder.path()).await;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::write(&path, damage(std::fs::read(&path).unwrap())).unwrap();
        }
        let sent = send(&http, &server, file, folder.path()).await;
        assert!(sent.result.is_ok(), "{:?}", sent.result);
        assert!(server.store.object().unwrap() == file.bytes);
    }
}
