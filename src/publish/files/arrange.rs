//! Which file reviewers open, and under which name ftrack's player finds it. No file and no network is touched here.

use super::Role;
use crate::media::{Image, Kind, Media, Movie};
use crate::publish::ids::{IMAGE, LARGER_IMAGE, LARGER_MOVIES, MOVIE, PDF, Slot};
use crate::session::{Code, Error, Result};
use std::path::Path;

/// A file that reviewers may open, looked at.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub media: Media,
    pub role: Role,
    /// The name that the host wants.
    pub name: Option<String>,
}

/// What reviewers open, and what lists show.
#[derive(Debug)]
pub struct Arranged {
    /// The one that every server shows comes first.
    pub shown: Vec<Shown>,
    /// An image beside a movie.
    pub thumbnail: Option<Media>,
}

/// One of the files that reviewers open.
#[derive(Clone, Debug)]
pub struct Shown {
    pub slot: Slot,
    pub name: String,
    pub media: Media,
}

/// Gives every file its name, or says what does not fit together. `made` is the file of which the media are to be made, if
/// they are.
pub fn arrange(candidates: Vec<Candidate>, made: Option<&Path>, has_thumbnail: bool) -> Result<Arranged> {
    let (mut movies, mut images, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    for candidate in candidates {
        let kind = kind(&candidate.media.kind);
        let role = match candidate.role {
            Role::Movie => "a movie",
            Role::Image => "an image",
            Role::Pdf => "a document",
            _ => kind,
        };
        if role != kind {
            return Err(misfit(&candidate, role, kind));
        }
        match &candidate.media.kind {
            Kind::Movie(_) | Kind::OtherMovie(_) => movies.push(candidate),
            Kind::Image(_) | Kind::OtherImage(_) => images.push(candidate),
            Kind::Pdf(_) => documents.push(candidate),
        }
    }
    if movies.is_empty() && documents.is_empty() && made.is_none() {
        return Ok(Arranged { shown: name_images(images)?, thumbnail: None });
    }
    let several = [!movies.is_empty(), made.is_some()].iter().filter(|is| **is).count() + documents.len();
    if several > 1 {
        let what = documents.first().or(movies.first()).map(quoted).unwrap_or_default();
        let message = format!(
            "files: {what} is one thing too many to review, and a version shows one movie or one document: publish it as a \
             version of its own, or give it as FTR_ROLE_COMPONENT"
        );
        return Err(Error::new(Code::BadRole, message));
    }
    if let Some(image) = images.iter().find(|image| image.role == Role::Image) {
        let message = format!(
            "files: {} was given as an image to review beside something else, and a version shows one or the other: publish it as \
             a version of its own, or give it as FTR_ROLE_THUMBNAIL or FTR_ROLE_COMPONENT",
            quoted(image)
        );
        return Err(Error::new(Code::BadRole, message));
    }
    let thumbnail = match (images.len(), has_thumbnail) {
        (0, _) => None,
        (1, false) => images.pop().map(|image| image.media),
        _ => {
            let what = images.first().map(quoted).unwrap_or_default();
            let message = format!(
                "files: {what} is an image beside what is reviewed, and nothing tells what it is for: give it as FTR_ROLE_THUMBNAIL \
                 (one can be) or FTR_ROLE_COMPONENT"
            );
            return Err(Error::new(Code::BadRole, message));
        }
    };
    let shown = match documents.pop() {
        Some(document) => vec![Shown {
            slot: Slot::Media,
            name: document.name.unwrap_or_else(|| PDF.to_owned()),
            media: document.media,
        }],
        None if movies.is_empty() => Vec::new(),
        None => name_movies(movies)?,
    };
    Ok(Arranged { shown, thumbnail })
}

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Movie(_) | Kind::OtherMovie(_) => "a movie",
        Kind::Image(_) | Kind::OtherImage(_) => "an image",
        Kind::Pdf(_) => "a document",
    }
}

fn name_movies(movies: Vec<Candidate>) -> Result<Vec<Shown>> {
    let mut named: Vec<(u32, Candidate)> = movies
        .into_iter()
        .filter_map(|candidate| {
            movie(&candidate.media).map(|movie| movie.shown_size().1).map(|height| (height, candidate))
        })
        .collect();
    named.sort_by_key(|(height, _)| *height);
    for pair in named.windows(2) {
        compare(&pair[0].1, &pair[1].1)?;
    }
    let known = || std::iter::once(MOVIE).chain(LARGER_MOVIES.map(|(_, name)| name));
    // Once somebody has the first name, no other gets it for being lowest.
    let mut is_first = !named.iter().any(|(_, candidate)| candidate.name.as_deref() == Some(MOVIE));
    let mut shown = Vec::new();
    for (height, candidate) in named {
        let name = match &candidate.name {
            Some(name) => known().find(|known| known == name).ok_or_else(|| unknown_name(&candidate, known()))?,
            None if is_first => MOVIE,
            None => LARGER_MOVIES.iter().find(|(label, _)| height <= *label).unwrap_or(&LARGER_MOVIES[2]).1,
        };
        is_first &= name != MOVIE;
        shown.push((name, candidate));
    }
    finish(shown, MOVIE)
}

fn name_images(images: Vec<Candidate>) -> Result<Vec<Shown>> {
    let mut sized: Vec<(u64, Candidate)> = images
        .into_iter()
        .filter_map(|candidate| image(&candidate.media).map(area).map(|area| (area, candidate)))
        .collect();
    sized.sort_by_key(|(area, _)| *area);
    let known = || [IMAGE, LARGER_IMAGE].into_iter();
    let mut is_first = !sized.iter().any(|(_, candidate)| candidate.name.as_deref() == Some(IMAGE));
    let mut shown = Vec::new();
    for (_, candidate) in sized {
        let name = match &candidate.name {
            Some(name) => known().find(|known| known == name).ok_or_else(|| unknown_name(&candidate, known()))?,
            None if is_first => IMAGE,
            None => LARGER_IMAGE,
        };
        is_first &= name != IMAGE;
        shown.push((name, candidate));
    }
    finish(shown, IMAGE)
}

/// Each name once, and the first of all servers among them.
fn finish(mut named: Vec<(&'static str, Candidate)>, first: &'static str) -> Result<Vec<Shown>> {
    named.sort_by_key(|(name, _)| (*name != first, *name));
    for pair in named.windows(2) {
        if pair[0].0 == pair[1].0 {
            let (name, one, other) = (pair[0].0, described(&pair[0].1), described(&pair[1].1));
            let message = format!(
                "files: {one} and {other} would both be \"{name}\": publish one of them, give their names, or give the other \
                 as FTR_ROLE_COMPONENT"
            );
            return Err(Error::new(Code::RenditionsDiffer, message));
        }
    }
    if let Some((name, candidate)) = named.first().filter(|(name, _)| *name != first) {
        let message = format!(
            "files: {} is \"{name}\" and there is no \"{first}\", which every server shows: give that, too",
            quoted(candidate)
        );
        return Err(Error::new(Code::BadRole, message));
    }
    let shown = |(name, candidate): (&'static str, Candidate)| Shown {
        slot: if name == first { Slot::Media } else { Slot::Named(name.to_owned()) },
        name: name.to_owned(),
        media: candidate.media,
    };
    Ok(named.into_iter().map(shown).collect())
}

/// Whether two are renditions of one movie.
fn compare(one: &Candidate, other: &Candidate) -> Result<()> {
    let (Some(a), Some(b)) = (movie(&one.media), movie(&other.media)) else { return Ok(()) };
    let differ = |what: String| {
        let message = format!(
            "files: {} and {} are not one movie in two sizes: {what}; make both of the same source, or publish them as two \
             versions",
            quoted(one),
            quoted(other)
        );
        Err(Error::new(Code::RenditionsDiffer, message))
    };
    if a.frame_rate != b.frame_rate {
        return differ(format!("{} and {} frames a second", a.frame_rate, b.frame_rate));
    }
    if a.frames != b.frames {
        return differ(format!("{} and {} frames", a.frames, b.frames));
    }
    let ((w1, h1), (w2, h2)) = (a.shown_size(), b.shown_size());
    let (one, two) = (f64::from(w1) / f64::from(h1), f64::from(w2) / f64::from(h2));
    // Even sizes of a small picture are off by this much.
    if (one - two).abs() > 0.01 * one.max(two) {
        return differ(format!("{w1}x{h1} and {w2}x{h2} have other shapes"));
    }
    Ok(())
}

fn movie(media: &Media) -> Option<&Movie> {
    match &media.kind {
        Kind::Movie(movie) => Some(movie),
        _ => None,
    }
}

fn image(media: &Media) -> Option<&Image> {
    match &media.kind {
        Kind::Image(image) => Some(image),
        _ => None,
    }
}

fn area(image: &Image) -> u64 {
    u64::from(image.width) * u64::from(image.height)
}

fn misfit(candidate: &Candidate, role: &str, kind: &str) -> Error {
    let what = quoted(candidate);
    Error::new(Code::BadRole, format!("files: {what} was given as {role} and is {kind}: give it as FTR_ROLE_AUTO"))
}

fn unknown_name(candidate: &Candidate, known: impl Iterator<Item = &'static str>) -> Error {
    let name = candidate.name.as_deref().unwrap_or_default();
    let known: Vec<String> = known.map(|name| format!("\"{name}\"")).collect();
    Error::new(
        Code::BadRole,
        format!(
            "component_name: \"{name}\" of {} is none that ftrack's player shows: give {}, or FTR_ROLE_COMPONENT for any \
             other name",
            quoted(candidate),
            known.join(", ")
        ),
    )
}

fn described(candidate: &Candidate) -> String {
    let size = movie(&candidate.media).map(Movie::shown_size);
    let size = size.or(image(&candidate.media).map(|image| (image.width, image.height)));
    let size = size.map(|(width, height)| format!(" ({width}x{height})")).unwrap_or_default();
    format!("{}{size}", quoted(candidate))
}

fn quoted(candidate: &Candidate) -> String {
    format!("'{}'", candidate.media.source.path().display())
}
