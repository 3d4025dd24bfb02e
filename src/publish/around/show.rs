//! One request that shows the media together with what belongs to the version, and what is done where the server refuses a
//! part of it.

use super::invite;
use super::note;
use super::pieces::{self, About, Piece, is_creation, pieces};
use crate::ftrack::{Client, Operation};
use crate::publish::again::shown_media;
use crate::publish::kept;
use crate::publish::resolve::Place;
use crate::publish::work::Work;
use crate::session::{Class, Code, Error, Result, policy};
use futures_util::FutureExt;

/// Sends `media`, which show the version, with everything that was asked for besides. These may be sent again without harm.
/// An error means that the media are not shown, or that the rest is to be done later: what is refused is a warning.
pub async fn show(work: &Work, place: &Place, media: &[Operation]) -> Result<()> {
    // The version is there, so it is worth waiting for a server that is away for a while: removing it needs the server, too.
    let client = work.client().patient(policy::ATTACH_PATIENCE);
    let pieces = pieces(work, place);
    if pieces.is_empty() {
        return if media.is_empty() { Ok(()) } else { client.call_repeatable(media).await.map(drop) };
    }
    // Of a version that was there before, something may be there, too.
    let is_encoded = work.is_encoded();
    let mut found = match place.version.is_some() || (is_encoded && work.may_have_been_tried()) {
        true => pieces::ask(&client, &pieces).await?,
        false => pieces.iter().map(|_| Vec::new()).collect(),
    };
    let refused = loop {
        let mut operations = media.to_vec();
        operations.extend(pieces.iter().zip(&found).flat_map(|(piece, found)| (piece.left)(found)));
        let done = || {
            async {
                let is_done = match is_encoded {
                    true => {
                        let found = pieces::ask(&client, &pieces).await?;
                        pieces.iter().zip(&found).all(|(piece, found)| piece.creations(found).is_empty())
                    }
                    // They came with all the rest.
                    false => !client.query(&shown_media(work)).await?.is_empty(),
                };
                Ok(is_done.then_some(()))
            }
            .boxed()
        };
        let error = match client.once(&operations, done).await {
            Ok(_) => {
                Made::default().tell(work, place);
                return Ok(());
            }
            Err(error) => error,
        };
        if !is_refusal(&error) {
            return Err(error);
        }
        // Somebody else may have made a list or review session of the same name meanwhile.
        let before = std::mem::replace(&mut found, pieces::ask(&client, &pieces).await?);
        if !matches!(error.code, Code::Duplicate | Code::Integrity) || before == found {
            break error;
        }
    };
    work.log.warning("publish", format_args!("each part of the version is sent for itself: {refused}"));
    let (changes, creations): (Vec<_>, Vec<_>) = pieces.iter().zip(&found).partition(|(piece, found)| {
        // What may be done twice without harm comes first: once the media are shown nobody does it again.
        piece.creations(found).is_empty()
    });
    let mut made = Made::default();
    for (piece, found) in changes {
        made.note(piece, alone(work, &client, piece, (piece.left)(found)).await?);
    }
    if !media.is_empty() {
        client.call_repeatable(media).await?;
    }
    for (piece, found) in creations {
        made.note(piece, alone(work, &client, piece, (piece.left)(found)).await?);
    }
    made.tell(work, place);
    Ok(())
}

/// The media are shown: makes what is missing besides, which an earlier try did not come to.
pub async fn complete(work: &Work, place: &Place) -> Result<()> {
    let client = work.client().patient(policy::UPLOAD_PATIENCE);
    let pieces = pieces(work, place);
    let found = match pieces::ask(&client, &pieces).await {
        Ok(found) => found,
        Err(error) => return later(work, error, "what was to come with it").map(drop),
    };
    let mut made = Made::default();
    for (piece, found) in pieces.iter().zip(&found) {
        made.note(piece, alone(work, &client, piece, piece.creations(found)).await?);
    }
    made.tell(work, place);
    Ok(())
}

/// What the server did not take.
#[derive(Default)]
struct Made {
    refused: Vec<About>,
}

impl Made {
    fn note(&mut self, piece: &Piece, done: bool) {
        self.refused.extend((!done).then_some(piece.about));
    }

    /// Tells the host what there is.
    fn tell(&self, work: &Work, place: &Place) {
        let is_there = |about: About| !self.refused.contains(&about);
        work.job.note(|published| {
            published.note_id = note::id(work).filter(|_| is_there(About::Note));
            let session = place.around.review.as_ref().filter(|_| is_there(About::Review));
            published.review_session_id = session.map(|session| session.id.clone());
        });
    }
}

/// One piece, which is refused without harm for the others. Whether it is done.
async fn alone(work: &Work, client: &Client, piece: &Piece, operations: Vec<Operation>) -> Result<bool> {
    if operations.is_empty() {
        return Ok(true);
    }
    let error = match send(client, piece, &operations).await {
        Ok(()) => return Ok(true),
        Err(error) => error,
    };
    if let Some(instead) = piece.instead.as_ref().filter(|_| is_refusal(&error))
        && send(client, piece, &instead.operations).await.is_ok()
    {
        work.warn(instead.warning.clone());
        return Ok(true);
    }
    later(work, error, &piece.what)
}

async fn send(client: &Client, piece: &Piece, operations: &[Operation]) -> Result<()> {
    if !operations.iter().any(is_creation) {
        return client.call_repeatable(operations).await.map(drop);
    }
    let done = || async { Ok(piece.creations(&piece.ask(client).await?).is_empty().then_some(())) }.boxed();
    client.once(operations, done).await.map(drop)
}

/// What failed is tried again later where the publish is kept and that may help, and a warning where not: it is not done then.
pub fn later(work: &Work, error: Error, what: &str) -> Result<bool> {
    if work.kept.get().is_some() && kept::may_pass(&error) {
        return Err(error);
    }
    work.warn(format!("the version is published without {what}: {}", error.message));
    Ok(false)
}

/// Whether the server has said no to what was asked, rather than being in no state to answer.
fn is_refusal(error: &Error) -> bool {
    let is_state = matches!(error.code, Code::Unauthorised | Code::ServerBusy | Code::MalformedAnswer);
    error.code.class() == Class::Server && !is_state && !error.details.outcome_unknown
}

/// What comes after all of it: mails, which nobody takes back.
pub async fn invite_guests(work: &Work, place: &Place) -> Result<()> {
    match &place.around.review {
        Some(session) => invite::invite(work, session).await,
        None => Ok(()),
    }
}
