//! How a publish ends: done, parked for later, or failed or cancelled with everything taken back.

use super::announce::announce;
use super::clean_up::CleanedUp;
use super::kept::{Kept, may_pass};
use super::work::Work;
use crate::session::log::Level;
use crate::session::{Code, Error, Result, State};

/// What is said of a cancelled publish of which the server has nothing (more).
const NOTHING_LEFT: &str = "; nothing of it is left";

impl Work {
    /// The job's end.
    pub(super) async fn conclude(&self, outcome: Result<()>) -> (State, Option<Error>) {
        let error = match outcome {
            Ok(()) => {
                announce(self).await;
                self.let_go().await;
                self.log.info("publish", format_args!("published {}", self.request.path.display()));
                return (State::Done, None);
            }
            Err(error) => error.at(self.job.stage()),
        };
        match self.kept.get() {
            Some(kept) if error.code == Code::Cancelled && self.job.is_to_park() => {
                self.park(kept, closed(), None).await
            }
            Some(kept) if error.code != Code::Cancelled && may_pass(&error) => {
                let noted = error.clone();
                self.park(kept, error, Some(&noted)).await
            }
            Some(kept) => self.undo(kept, error).await,
            None => self.give_up(error).await,
        }
    }

    /// It stays in the outbox.
    async fn park(&self, kept: &Kept, mut error: Error, noted: Option<&Error>) -> (State, Option<Error>) {
        self.tell_unnoted(kept.wait(noted).await);
        error.message.push_str("; it stays in the outbox and goes on from there");
        self.log.say(Level::Warning, "publish", &error);
        (State::Parked, Some(error))
    }

    /// What was made is taken back, which the outbox remembers until it is done.
    pub(super) async fn undo(&self, kept: &Kept, mut error: Error) -> (State, Option<Error>) {
        self.tell_unnoted(kept.undo(&error, !self.is_resumed).await);
        let cleaned_up = tokio::select! {
            biased;
            () = self.must_park() => CleanedUp::NotAll,
            cleaned_up = self.clean_up() => cleaned_up,
        };
        match cleaned_up {
            CleanedUp::NotAll => {
                self.tell_unnoted(kept.undo_later(&error).await);
                error.message.push_str("; what it made on the server is removed later, from the outbox");
            }
            // Whoever submitted it is not there any more to hear of it.
            CleanedUp::All if !kept.is_told() && error.code != Code::Cancelled => {
                self.tell_unnoted(kept.fail(&error).await);
            }
            CleanedUp::All | CleanedUp::Published => self.let_go().await,
        }
        self.failed(error, cleaned_up)
    }

    /// A publish that is not kept ends here.
    async fn give_up(&self, mut error: Error) -> (State, Option<Error>) {
        if error.code == Code::EncodeStuck {
            // The server goes on with it.
            self.log.say(Level::Error, "publish", &error);
            return (State::Failed, Some(error));
        }
        if self.is_worth_keeping(&error) {
            error.message.push_str(match self.journal_folder() {
                Some(_) => {
                    "; what is in storage is kept: publish the file with the same idempotency_key again to go on from there"
                }
                None => "; publish the file with the same idempotency_key again to replace what is in storage",
            });
            self.log.say(Level::Error, "publish", &error);
            return (State::Failed, Some(error));
        }
        let cleaned_up = self.clean_up().await;
        self.failed(error, cleaned_up)
    }

    fn failed(&self, mut error: Error, cleaned_up: CleanedUp) -> (State, Option<Error>) {
        match cleaned_up {
            CleanedUp::All if error.code == Code::Cancelled => error.message.push_str(NOTHING_LEFT),
            CleanedUp::Published => error
                .message
                .push_str("; another try with the same idempotency_key has published it meanwhile, and that stays"),
            CleanedUp::All | CleanedUp::NotAll => {}
        }
        let state = if error.code == Code::Cancelled { State::Cancelled } else { State::Failed };
        if state == State::Failed {
            self.log.say(Level::Error, "publish", &error);
        }
        (state, Some(error))
    }

    /// Whether what is in storage stays. With a key it does, unless the host cancels: a later try goes on from it, and another
    /// that runs at this moment, perhaps on another machine, is using it. A version is not stored but seen, and so not kept
    /// half done.
    fn is_worth_keeping(&self, error: &Error) -> bool {
        let made = self.made.lock();
        let is_shared = self.request.idempotency_key.is_some() && error.code != Code::Cancelled;
        is_shared && !made.components.is_empty() && !made.version
    }

    /// The item is not needed any more.
    pub(super) async fn let_go(&self) {
        let Some(kept) = self.kept.get() else { return };
        match kept.finish().await {
            Ok(()) => self.job.note(|published| published.outbox_id = None),
            Err(error) => self.warn(format!(
                "the publish has ended and could not be taken out of the outbox, where it will be found to be done: {}",
                error.message
            )),
        }
    }

    fn tell_unnoted(&self, noted: Result<()>) {
        if let Err(error) = noted {
            self.log.warning("publish", format_args!("the outbox could not note how the publish ended: {error}"));
        }
    }
}

/// Why a job of a session that is closed goes on no further.
fn closed() -> Error {
    Error::new(Code::Closed, "the session was closed before the publish was done")
}
