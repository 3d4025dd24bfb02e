//! What programs, people and networks do to a publish in the outbox: it goes on in another process, or in the same one.

use super::host::{End, Said};
use super::point::{At, Way};
use super::proxy::{Hook, Plan};
use super::stage::{Stage, files};
use super::sweep::{Bench, Manner, clean_run};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use ftreview_sandbox::storage::Limits;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The request of a clean publish whose kind has this in it.
pub fn request(part: &str) -> At {
    static REQUESTS: OnceLock<Vec<At>> = OnceLock::new();
    let requests = REQUESTS.get_or_init(|| clean_run(Way::Outbox).0);
    let found = requests.iter().find(|at| at.label.contains(part));
    found.unwrap_or_else(|| panic!("no request has {part:?} in it: {requests:?}")).clone()
}

pub fn bench() -> Bench {
    Bench::new(Way::Outbox, Plan::Pass, Manner { stall: None }, 0)
}

/// Makes a file when a request of this kind arrives.
fn signal_at(bench: &Bench, part: &str) -> PathBuf {
    let signal = bench.stage.folder("signal");
    let path = signal.clone();
    bench.proxy.set_plan(Plan::Call(request(part), Arc::new(move || std::fs::write(&path, "").unwrap())));
    signal
}

/// Moments: early, with parts on their way, between the version and its media.
const MOMENTS: [&str; 4] = ["create FileComponent", "PUT part 2", "create AssetVersion", "update FileComponent"];

/// Publishes are left at each moment, and gone on with by another process.
#[track_caller]
fn left(leave: impl Fn(&Bench, PathBuf) -> Said + Sync) {
    std::thread::scope(|scope| {
        for moment in MOMENTS {
            let leave = &leave;
            scope.spawn(move || {
                let bench = bench();
                let said = leave(&bench, signal_at(&bench, moment));
                assert!(said.said("kept") && !said.said("error"), "{moment}: {}", said.account());
                bench.proxy.settle();
                bench.recover(&said).unwrap_or_else(|wrong| panic!("{moment}: {wrong}"));
            });
        }
    });
}

#[test]
fn the_checks_of_the_sweeps_see_a_version_too_few_or_too_many_other_bytes_and_what_nobody_names() {
    let bench = bench();
    assert!(bench.stage.check(1).is_err() && bench.stage.check_nothing().is_ok());
    assert_eq!(bench.host.publish(None, |_| ()).end(), Ok(End::Done));
    assert!(bench.check().is_ok() && bench.stage.check_nothing().is_err());
    let stray = bench.stage.media().join("objects/stray");
    std::fs::write(&stray, "").unwrap();
    assert!(bench.check().unwrap_err().contains("storage holds 3 objects"));
    std::fs::remove_file(stray).unwrap();
    std::fs::write(bench.folder().join("gone/left"), "").unwrap();
    assert!(bench.check().unwrap_err().contains("kept on disk"));
    std::fs::remove_file(bench.folder().join("gone/left")).unwrap();
    assert_eq!(bench.host.publish(None, |_| ()).end(), Ok(End::Done));
    assert!(bench.check().is_err() && bench.stage.check(2).is_ok());
    let film = bench.stage.query("select id from FileComponent where name is \"ftrackreview-mp4\"");
    let object = bench.stage.storage().path(film[0]["id"].as_str().unwrap()).unwrap();
    let mut bytes = std::fs::read(&object).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(object, bytes).unwrap();
    assert!(bench.stage.check(2).unwrap_err().contains("other bytes"));
}

#[test]
fn a_publish_whose_session_was_freed_meanwhile_goes_on_in_another_process() {
    left(|bench, signal| bench.host.leave(&signal, "free"));
}

#[test]
fn a_publish_whose_process_exited_without_freeing_anything_goes_on_in_another() {
    left(|bench, signal| bench.host.leave(&signal, "exit"));
}

#[test]
fn a_publish_whose_library_was_unloaded_goes_on_in_another_process() {
    left(|bench, signal| bench.host.unload(&signal));
}

#[test]
fn a_publish_whose_session_was_closed_is_done_or_parked_which_is_told_once_and_counted() {
    left(|bench, signal| {
        let said = bench.host.leave(&signal, "close");
        let parked = said.lines.iter().find_map(|line| line.strip_prefix("parked ")).map(str::to_owned);
        match said.end().unwrap() {
            End::Parked(_) => assert_eq!(parked.as_deref(), Some("1"), "{}", said.account()),
            // It had its last request under way, and the time for that.
            End::Done => {}
            other => panic!("{other:?}: {}", said.account()),
        }
        said
    });
}

#[test]
fn a_publish_that_is_submitted_offline_is_parked_and_done_when_the_server_is_there() {
    let bench = bench();
    bench.proxy.go_away();
    let said = bench.host.publish(None, |_| ());
    assert!(matches!(said.end(), Ok(End::Parked(why)) if why.contains("class=5 retryable=1")), "{}", said.account());
    bench.proxy.come_back();
    bench.recover(&said).unwrap();
}

#[test]
fn a_publish_that_is_cut_off_half_way_and_closed_is_parked_and_done_when_the_network_is_back() {
    let bench = bench();
    let signal = bench.stage.folder("signal");
    let (path, proxy) = (signal.clone(), bench.proxy.clone());
    let cut: Hook = Arc::new(move || {
        proxy.go_away();
        std::fs::write(&path, "").unwrap();
    });
    bench.proxy.set_plan(Plan::Call(request("PUT part 2"), cut));
    let said = bench.host.leave(&signal, "close");
    assert!(matches!(said.end(), Ok(End::Parked(_))), "{}", said.account());
    bench.proxy.come_back();
    bench.recover(&said).unwrap();
}

#[test]
fn addresses_that_expired_while_a_machine_slept_are_asked_for_anew() {
    let bench = bench();
    let storage = bench.stage.storage().clone();
    let normal = storage.limits();
    storage.set_limits(Limits { address_lifetime: Duration::ZERO, ..normal });
    let awake = storage.clone();
    bench.proxy.set_plan(Plan::Call(request("PUT part 1"), Arc::new(move || awake.set_limits(normal))));
    let said = bench.host.publish(None, |_| ());
    match said.end() {
        Ok(End::Done) => {
            bench.check().unwrap();
            assert!(bench.proxy.seen().iter().any(|seen| seen.starts_with("api get_")), "{:?}", bench.proxy.seen());
        }
        // The thumbnail was asked for anew before the film's first part was sent: its second address had expired, too.
        Ok(End::Parked(why)) if why.contains("FTR_E_STORAGE_EXPIRED") => {
            storage.set_limits(normal);
            bench.recover(&said).unwrap();
        }
        _ => panic!("{}", said.account()),
    }
}

#[test]
fn a_publish_whose_key_was_revoked_is_parked_and_done_when_the_key_is_good_again() {
    let bench = bench();
    let state = bench.stage.state().clone();
    bench.proxy.set_plan(Plan::Call(request("create AssetVersion"), Arc::new(move || set_key(&state, "revoked"))));
    let said = bench.host.publish(None, |_| ());
    assert!(matches!(said.end(), Ok(End::Parked(why)) if why.contains("FTR_E_UNAUTHORISED")), "{}", said.account());
    set_key(bench.stage.state(), DEMO_KEY);
    bench.recover(&said).unwrap();
}

#[test]
fn a_parked_publish_goes_on_in_the_same_session_when_the_server_is_back() {
    let bench = bench();
    let (proxy, outbox) = (bench.proxy.clone(), bench.folder());
    let leave: Hook = Arc::new(move || {
        proxy.go_away();
        let (proxy, outbox) = (proxy.clone(), outbox.clone());
        std::thread::spawn(move || {
            // It is parked when its failure is noted.
            let is_noted = |path: &PathBuf| path.ends_with("state.json") && read(path).contains("\"message\":");
            while !files(&outbox).iter().any(is_noted) {
                std::thread::sleep(Duration::from_millis(5));
            }
            proxy.come_back();
        });
    });
    bench.proxy.set_plan(Plan::Call(request("query AssetType"), leave));
    let said = bench.host.stay();
    let ends: Vec<&String> = said.lines.iter().filter(|line| line.starts_with("ended ")).collect();
    assert!(ends.len() == 2 && ends[0].starts_with("ended 4") && ends[1] == "ended 1", "{}", said.account());
    bench.check().unwrap();
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn a_publish_whose_project_was_deleted_fails_and_leaves_nothing() {
    let bench = bench();
    let (address, project) = (bench.stage.address(), project(&bench.stage));
    bench.proxy.set_plan(Plan::Call(request("create AssetVersion"), Arc::new(move || delete(address, &project))));
    let said = bench.host.publish(None, |_| ());
    assert!(matches!(said.end(), Ok(End::Failed(why)) if why.contains("retryable=0")), "{}", said.account());
    bench.stage.check_nothing().unwrap();
    bench.check_folder().unwrap();
}

#[test]
fn a_parked_publish_whose_project_was_deleted_fails_when_it_is_resumed_and_stays_to_be_looked_at() {
    let bench = bench();
    let said = bench.host.leave(&signal_at(&bench, "PUT part 2"), "close");
    assert!(matches!(said.end(), Ok(End::Parked(_))), "{}", said.account());
    delete(bench.stage.address(), &project(&bench.stage));
    bench.proxy.set_plan(Plan::Pass);
    let said = bench.host.resume(|_| ());
    assert!(matches!(said.end(), Ok(End::Failed(why)) if why.contains("retryable=0")), "{}", said.account());
    bench.stage.check_nothing().unwrap();
    assert_eq!(bench.items(), 1);
}

/// The key that the server takes for the demo's user.
fn set_key(state: &ftreview_sandbox::AppState, key: &str) {
    let sql = format!(
        "UPDATE _api_key SET key = '{key}' WHERE user_id = (SELECT id FROM resource WHERE username = '{DEMO_USER}')"
    );
    state.database.run_blocking(|connection| assert_eq!(connection.execute(&sql, ()).unwrap(), 1));
}

fn project(stage: &Stage) -> String {
    let found = stage.query("select id from Project where name is \"demo\"");
    found[0]["id"].as_str().unwrap().to_owned()
}

/// As somebody does in ftrack meanwhile.
fn delete(server: SocketAddr, project: &str) {
    let body = format!(r#"[{{"action": "delete", "entity_type": "Project", "entity_key": ["{project}"]}}]"#);
    let mut stream = TcpStream::connect(server).unwrap();
    let head = format!(
        "POST /api HTTP/1.1\r\nhost: staging\r\nftrack-user: {DEMO_USER}\r\nftrack-api-key: {DEMO_KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("exception"), "{answer}");
}
