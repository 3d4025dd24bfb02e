//! Making sure at the start that the bucket is there, and saying what is wrong when it is not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use rusty_s3::Method;

use super::config::ObjectStoreConfig;
use super::requests::{Asked, Requests, UNREACHABLE};
use crate::storage::error::{StorageError, escape};

/// Where S3 makes a bucket when no region is named, and where naming it is an error.
const FIRST_REGION: &str = "us-east-1";

/// Pages of every origin may use an address that they were given, since it is its own permission. They have to see the
/// ETag to complete an upload, and the size of an object.
const CORS: &str = "<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><CORSRule>\
    <AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod>\
    <AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
    <ExposeHeader>Content-Range</ExposeHeader><MaxAgeSeconds>3600</MaxAgeSeconds></CORSRule></CORSConfiguration>";

/// Looks whether the bucket can be used, and makes it if that was asked for.
pub(super) async fn check(requests: &Requests, config: &ObjectStoreConfig) -> Result<(), String> {
    match list(requests).await {
        Err(error) if error.code() == "NoSuchBucket" && config.create_bucket => create(requests, config).await,
        listed => listed.map_err(|error| explain(&error, config)),
    }
}

/// A list and not HEAD: its refusal has a body that says why.
async fn list(requests: &Requests) -> Result<(), StorageError> {
    let query = [("list-type", "2"), ("max-keys", "1")];
    requests.send(Asked { query: &query, ..Asked::of_bucket(Method::Get) }).await.map(drop)
}

async fn create(requests: &Requests, config: &ObjectStoreConfig) -> Result<(), String> {
    let body = (config.region != FIRST_REGION).then(|| {
        format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}\
             </LocationConstraint></CreateBucketConfiguration>",
            escape(&config.region)
        )
    });
    let asked = Asked { body: body.as_deref(), ..Asked::of_bucket(Method::Put) };
    match requests.send(asked).await {
        Ok(_) => {}
        // Another server was quicker, or the name is somebody else's: then it cannot be listed.
        Err(error) if ["BucketAlreadyOwnedByYou", "BucketAlreadyExists"].contains(&error.code()) => {
            return list(requests).await.map_err(|error| explain(&error, config));
        }
        Err(error) => return Err(explain(&error, config)),
    }
    let digest = STANDARD.encode(Md5::digest(CORS.as_bytes()));
    let asked = Asked {
        query: &[("cors", "")],
        headers: &[("content-md5", &digest)],
        body: Some(CORS),
        ..Asked::of_bucket(Method::Put)
    };
    if let Err(error) = requests.send(asked).await {
        // Only pages that upload need it.
        eprintln!(
            "storage: the new bucket {:?} has no CORS rule, set one for pages that upload: {error}",
            config.bucket
        );
    }
    Ok(())
}

fn explain(error: &StorageError, config: &ObjectStoreConfig) -> String {
    let remedy = match error.code() {
        UNREACHABLE => "Is it running, and is --s3-endpoint right?".to_owned(),
        "NoSuchBucket" => format!("Make the bucket {:?}, or start with --s3-create-bucket.", config.bucket),
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" => {
            "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.".to_owned()
        }
        "AccessDenied" => {
            "Check the keys, and that they may list, read and write this bucket (docs/storage.md).".to_owned()
        }
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "AuthorizationQueryParametersError"
        | "IllegalLocationConstraintException" => {
            format!(
                "Is the bucket in the region {:?} (--s3-region), and is --s3-endpoint that region's?",
                config.region
            )
        }
        "RequestTimeTooSkewed" => "Set this machine's clock.".to_owned(),
        _ => "Check --s3-endpoint, --s3-bucket and --s3-region.".to_owned(),
    };
    format!("Cannot use the bucket {:?}: {error}. {remedy}", config.bucket)
}
