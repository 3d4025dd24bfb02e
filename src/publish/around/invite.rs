//! Invitations: mails, which nobody takes back. So it is noted before that they are asked for, and what nobody can tell is not
//! done again.

use super::answers::{Guest, Session};
use super::review::guest_id;
use super::show::later;
use crate::ftrack::{Filter, Operation, Query};
use crate::publish::kept::INVITATIONS;
use crate::publish::work::Work;
use crate::session::{Code, Error, Result, policy};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};

/// What is noted of an invitee.
const ASKED: &str = "asked";
const SENT: &str = "sent";

/// Sends their mails to those whom this publish has added. Who was in the review session before has had one.
pub async fn invite(work: &Work, session: &Session) -> Result<()> {
    let silent = work.request.around.review.as_ref().is_none_or(|review| review.without_invitations);
    let ours = |guest: &&Guest| guest.there.as_ref().is_none_or(|seat| seat.id == guest_id(work, session, guest));
    let guests: Vec<&Guest> = session.invitees.iter().filter(ours).filter(|_| !silent).collect();
    let noted = work.kept.get().and_then(|kept| kept.fact(INVITATIONS));
    let mut noted = noted.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let (mut ids, mut doubtful) = (Vec::new(), Vec::new());
    for guest in guests {
        let id = guest_id(work, session, guest);
        let was_invited = guest.there.as_ref().is_some_and(|seat| seat.was_invited);
        match noted.get(&id).and_then(Value::as_str) {
            Some(SENT) => {}
            _ if was_invited => {}
            Some(_) => doubtful.push(guest.invitee.email.as_str()),
            // Added by an earlier try, of which nothing is noted.
            None if guest.there.is_some() && work.kept.get().is_none() => doubtful.push(guest.invitee.email.as_str()),
            None => ids.push(id),
        }
    }
    if !doubtful.is_empty() {
        work.warn(format!(
            "nobody can tell whether an earlier try has invited {}, so no mail was sent again: look at the review session \
             \"{}\", and invite them there",
            doubtful.join(", "),
            session.name
        ));
    }
    // Without the review session there is nobody to invite, which is told already.
    if ids.is_empty() || work.job.published().review_session_id.is_none() {
        return Ok(());
    }
    note(work, &mut noted, &ids, Some(ASKED)).await;
    match send(work, &ids).await {
        Ok(()) => {
            note(work, &mut noted, &ids, Some(SENT)).await;
            Ok(())
        }
        Err(error) if error.details.outcome_unknown => {
            work.warn(format!(
                "the version is published, and nobody can tell whether its invitations were sent: {}; look at the review \
                 session \"{}\", and invite them there",
                error.message, session.name
            ));
            Ok(())
        }
        Err(error) => {
            // It is certain that none was sent.
            note(work, &mut noted, &ids, None).await;
            later(work, error, "its invitations").map(drop)
        }
    }
}

async fn send(work: &Work, ids: &[String]) -> Result<()> {
    let client = work.client().patient(policy::UPLOAD_PATIENCE);
    let operations: Vec<Operation> = ids.iter().map(|id| Operation::send_review_session_invite(id)).collect();
    let done = || {
        async {
            let query =
                Query::select(&["id", "last_sent_at"], "ReviewSessionInvitee").filter(Filter::within("id", ids));
            let rows = client.query(&query).await?;
            match rows.iter().filter(|row| !row["last_sent_at"].is_null()).count() {
                sent if sent == ids.len() => Ok(Some(())),
                // They may be on their way.
                _ => Err(Error::new(Code::MalformedAnswer, "not all of the mails are known to be sent")),
            }
        }
        .boxed()
    };
    client.once(&operations, done).await.map(drop)
}

/// Notes what becomes of them, in the outbox's item. One that cannot be written keeps nobody from being invited.
async fn note(work: &Work, noted: &mut Map<String, Value>, ids: &[String], what: Option<&str>) {
    let Some(kept) = work.kept.get() else { return };
    for id in ids {
        match what {
            Some(what) => drop(noted.insert(id.clone(), json!(what))),
            None => drop(noted.remove(id)),
        }
    }
    if let Err(error) = kept.note(INVITATIONS, Value::Object(noted.clone())).await {
        work.log.info("publish", format_args!("not noted in the outbox: {error}"));
    }
}
