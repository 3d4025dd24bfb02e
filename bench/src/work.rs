//! What a sender is told, and the requests that follow from it: the same for each sender.

use crate::Outcome;
use crate::files::Md5s;
use clap::Args;
use ftreview::transfer::{Plan, plan::part_range};
use std::ops::Range;
use std::path::{Path, PathBuf};
use url::Url;

/// What a sender is told.
#[derive(Args)]
pub struct Work {
    /// The sink's address
    #[arg(long)]
    pub to: Url,
    /// A PEM file with the certificate to trust
    #[arg(long)]
    pub cacert: Option<PathBuf>,
    /// Compute no MD5 and compare none
    #[arg(long)]
    pub off: bool,
    /// How many requests at once
    #[arg(long, default_value_t = 6)]
    pub at_once: usize,
    /// The files, or one folder of them
    pub paths: Vec<PathBuf>,
}

/// One request.
pub struct Put {
    /// The file's number among [`Work::files`].
    pub file: usize,
    /// Where to.
    pub url: Url,
    /// Which bytes.
    pub range: Range<u64>,
    /// The ETag that shows that they arrived.
    pub md5: Option<String>,
}

impl Work {
    /// The files and their sizes.
    pub fn files(&self) -> Outcome<Vec<(PathBuf, u64)>> {
        let mut files = Vec::new();
        for path in &self.paths {
            if path.is_dir() {
                let mut inside: Vec<PathBuf> =
                    std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
                inside.retain(|path| path.extension().is_none());
                inside.sort();
                files.extend(inside);
            } else {
                files.push(path.clone());
            }
        }
        files.into_iter().map(|path| Ok((path.clone(), path.metadata()?.len()))).collect()
    }

    /// The MD5s of the parts where they are wanted.
    pub fn md5s(&self, files: &[(PathBuf, u64)]) -> Outcome<Md5s> {
        match files.first() {
            Some((first, _)) if !self.off => Md5s::beside(first),
            _ => Ok(Md5s::default()),
        }
    }

    /// One request a file or a part of it.
    pub fn puts(&self, files: &[(PathBuf, u64)]) -> Outcome<Vec<Put>> {
        let md5s = self.md5s(files)?;
        let mut puts = Vec::new();
        for (file, (path, size)) in files.iter().enumerate() {
            let (part_size, count) = match Plan::for_size(*size)? {
                Plan::Single => (*size, 1),
                Plan::Parts { part_size, count } => (part_size, count),
            };
            for number in 1..=count {
                let range = part_range(number, part_size, *size);
                let (url, md5) = (self.address(path, number, &md5s)?, md5s.of(path, number).map(str::to_owned));
                puts.push(Put { file, url, range, md5 });
            }
        }
        Ok(puts)
    }

    /// Where a part goes. The sink gives back as ETag what the address says, so that it need not compute it.
    pub fn address(&self, path: &Path, number: u32, md5s: &Md5s) -> Outcome<Url> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut url = self.to.join(&format!("/put/{name}/{number}"))?;
        if let Some(md5) = md5s.of(path, number) {
            url.query_pairs_mut().append_pair("md5", md5);
        }
        Ok(url)
    }
}
