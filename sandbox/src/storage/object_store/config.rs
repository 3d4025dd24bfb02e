//! Which object store, and how to speak to it.

use rusty_s3::{Bucket, BucketError, Credentials, UrlStyle};
use url::Url;

/// An S3-compatible store and a bucket in it.
#[derive(Clone, Debug)]
pub struct ObjectStoreConfig {
    /// The store's address as this server and all its clients reach it: addresses are signed for its host name.
    pub endpoint: Url,
    /// The bucket, which is used for nothing else.
    pub bucket: String,
    /// The region that signatures are made for; stores that have none mostly take `us-east-1`.
    pub region: String,
    /// The keys, which no message shows. Addresses end when a temporary key does.
    pub credentials: Credentials,
    /// Whether the bucket's name is put before the host name (`bucket.s3.example`) and not into the path.
    pub virtual_hosted: bool,
    /// Whether the bucket is made when it is not there.
    pub create_bucket: bool,
}

impl ObjectStoreConfig {
    /// The bucket as requests are signed for it, or why there can be none.
    pub(super) fn bucket(&self) -> Result<Bucket, String> {
        let name = &self.bucket;
        if name.is_empty() || name.contains('/') {
            return Err(format!(
                "The bucket {name:?} is no name of one: leave out slashes, and say which (--s3-bucket)."
            ));
        }
        let style = if self.virtual_hosted { UrlStyle::VirtualHost } else { UrlStyle::Path };
        let made = Bucket::new(self.endpoint.clone(), style, name.clone(), self.region.clone());
        made.map_err(|error| match error {
            BucketError::UnsupportedScheme | BucketError::MissingHost => format!(
                "The object store's address {} is none: it has to be like https://s3.example (--s3-endpoint).",
                self.shown()
            ),
            BucketError::ParseError(_) => format!(
                "The bucket {name:?} cannot be put before the host name of {}: leave out --s3-virtual-hosted.",
                self.shown()
            ),
        })
    }

    /// The address as it may be shown: without a password that somebody put into it.
    pub(super) fn shown(&self) -> String {
        let mut shown = self.endpoint.clone();
        // Only addresses without a host have no place for them.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_query(None);
        shown.as_str().trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_stands_in_the_path_or_before_the_host_name() {
        for (virtual_hosted, expected) in
            [(false, "https://s3.test:8333/media/key"), (true, "https://media.s3.test:8333/key")]
        {
            let config = ObjectStoreConfig {
                endpoint: "https://s3.test:8333".parse().unwrap(),
                bucket: "media".to_owned(),
                region: "us-east-1".to_owned(),
                credentials: Credentials::new("access", "secret"),
                virtual_hosted,
                create_bucket: false,
            };
            assert_eq!(config.bucket().unwrap().object_url("key").as_str(), expected);
        }
    }
}
