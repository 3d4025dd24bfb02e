//! Whose certificates are believed: those of the platform, and beside them what the environment and the
//! session's options name. If there are none at all, the ones that browsers believe are built in.

use super::environment::Environment;
use crate::session::log::Log;
use crate::session::{Code, Error, Result};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{CertificateResult, load_certs_from_paths};
use std::env;
use std::path::Path;
use std::sync::Arc;

/// The TLS settings of a session. Reads files; belongs on a blocking thread.
///
/// The cryptography is named here and nowhere installed, so that no other user of rustls in the process is touched.
pub(super) fn tls_config(ca_file: Option<&Path>, environment: &Environment, log: &Log) -> Result<ClientConfig> {
    let roots = roots(ca_file, environment, log)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|error| {
            let what = "a defect in the library left no TLS version to offer";
            Error::new(Code::Internal, format!("{what} ({error}): please report it"))
        })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots(ca_file: Option<&Path>, environment: &Environment, log: &Log) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let platform = platform_certificates();
    if platform.certs.is_empty() {
        let reason = platform.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        log.warning("ftrack", format_args!("the platform has no certificate authorities{reason}"));
    }
    roots.add_parsable_certificates(platform.certs);
    for (name, certificates) in environment_certificates(environment) {
        if certificates.certs.is_empty() {
            let reason = certificates.errors.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
            log.warning("ftrack", format_args!("{name} is not used: {reason}"));
        }
        roots.add_parsable_certificates(certificates.certs);
    }
    if let Some(path) = ca_file {
        let (added, _) = roots.add_parsable_certificates(option_certificates(path)?);
        if added == 0 {
            return Err(no_certificate(path));
        }
    }
    if roots.is_empty() {
        log.warning("ftrack", "no certificate authority was found on this machine: the built-in ones are used");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Ok(roots)
}

fn option_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let shown = path.display();
    if let Err(error) = std::fs::File::open(path) {
        let message =
            format!("ca_file: \"{shown}\" cannot be read: {error}; give the path of a PEM file, or leave it out");
        return Err(Error::new(Code::CaFile, message));
    }
    let found = load_certs_from_paths(Some(path), None);
    if found.certs.is_empty() { Err(no_certificate(path)) } else { Ok(found.certs) }
}

fn no_certificate(path: &Path) -> Error {
    let shown = path.display();
    Error::new(
        Code::CaFile,
        format!("ca_file: \"{shown}\" holds no certificate: give a PEM file, which has BEGIN CERTIFICATE lines"),
    )
}

fn environment_certificates(environment: &Environment) -> Vec<(&'static str, CertificateResult)> {
    let mut found = Vec::new();
    if let Some(file) = &environment.ssl_cert_file {
        found.push(("SSL_CERT_FILE", load_certs_from_paths(Some(Path::new(file)), None)));
    }
    for directory in environment.ssl_cert_dir.iter().flat_map(env::split_paths).filter(|path| path != Path::new("")) {
        found.push(("SSL_CERT_DIR", load_certs_from_paths(None, Some(&directory))));
    }
    if let Some(bundle) = environment.requests_ca_bundle.as_ref().map(Path::new) {
        let (file, directory) = if bundle.is_dir() { (None, Some(bundle)) } else { (Some(bundle), None) };
        found.push(("REQUESTS_CA_BUNDLE", load_certs_from_paths(file, directory)));
    }
    found
}

/// The platform's own authorities. `load_native_certs` would read `SSL_CERT_FILE` and then nothing else.
#[cfg(all(unix, not(target_os = "macos")))]
fn platform_certificates() -> CertificateResult {
    /// Where distributions keep their bundle: Debian and Arch, the Red Hat family (old and new), SUSE, Alpine, FreeBSD.
    const BUNDLES: [&str; 6] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/usr/local/etc/ssl/cert.pem",
    ];
    /// Where some of them keep single files, read if there is no bundle.
    const DIRECTORIES: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

    let bundles = BUNDLES.iter().map(|path| load_certs_from_paths(Some(Path::new(path)), None));
    let directories = DIRECTORIES.iter().map(|path| load_certs_from_paths(None, Some(Path::new(path))));
    bundles.chain(directories).find(|found| !found.certs.is_empty()).unwrap_or_default()
}

/// The platform's own authorities: Keychain or the Windows store, unless `SSL_CERT_FILE` stands in their place.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn platform_certificates() -> CertificateResult {
    rustls_native_certs::load_native_certs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::log::{Level, Line, Sink};
    use crate::session::secret::Redactor;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl Sink for Lines {
        fn line(&self, line: Line) {
            self.0.lock().push(line.message);
        }
    }

    fn authority() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap()
    }

    #[test]
    fn an_unreadable_ssl_cert_file_is_a_warning_and_takes_no_authority_away() {
        let lines = Arc::new(Lines::default());
        let log = Log::new(Level::Warning, Redactor::default(), lines.clone());
        let plain = roots(None, &Environment::default(), &Log::silent()).unwrap();
        let environment = Environment { ssl_cert_file: Some("None".into()), ..Environment::default() };
        let with_none = roots(None, &environment, &log).unwrap();
        assert!(!plain.is_empty());
        assert_eq!(with_none.len(), plain.len());
        assert!(lines.0.lock().iter().any(|line| line.contains("SSL_CERT_FILE is not used")), "{:?}", lines.0.lock());
    }

    #[test]
    fn authorities_of_the_environment_and_of_the_option_are_added_to_the_platforms() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, authority().cert.pem()).unwrap();
            path
        };
        let plain = roots(None, &Environment::default(), &Log::silent()).unwrap();
        let environment = Environment {
            ssl_cert_file: Some(write("one.pem").into()),
            requests_ca_bundle: Some(write("two.pem").into()),
            ..Environment::default()
        };
        let all = roots(Some(&write("three.pem")), &environment, &Log::silent()).unwrap();
        assert_eq!(all.len(), plain.len() + 3);
    }

    #[test]
    fn a_ca_file_that_is_missing_or_holds_no_certificate_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "nothing here").unwrap();
        for path in [folder.path().join("missing.pem"), empty] {
            let error = roots(Some(&path), &Environment::default(), &Log::silent()).unwrap_err();
            assert_eq!(error.code, Code::CaFile);
            assert!(error.message.contains(&*path.to_string_lossy()), "{error}");
        }
    }
}
