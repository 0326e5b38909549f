//! Edge: whom we trust and who we are, read from the platform and from files.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::Verifier;

use crate::config::Tls;

/// Why there is no TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TlsFault {
    /// A configured file is not there, or not what it should be.
    Files,
    /// The platform has nothing to trust.
    Platform,
}

/// The platform's verifier, what is trusted besides, and our own certificate. There is no way not to verify.
pub(super) fn config(tls: &Tls) -> Result<ClientConfig, TlsFault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra = tls.ca_file.as_deref().map(certificates).transpose()?.unwrap_or_default();
    let verifier = if extra.is_empty() {
        Verifier::new(Arc::clone(&provider)).map_err(|_| TlsFault::Platform)?
    } else {
        Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|_| TlsFault::Files)?
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TlsFault::Platform)?
        // Named so because one could give it a verifier that verifies nothing; this is the platform's.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match &tls.client {
        Some(client) => {
            let key = PrivateKeyDer::from_pem_file(&client.key).map_err(|_| TlsFault::Files)?;
            builder.with_client_auth_cert(certificates(&client.cert)?, key).map_err(|_| TlsFault::Files)
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

/// All certificates of a file; one at least.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or(TlsFault::Files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::transport::ClientCertificate;

    #[test]
    fn a_file_that_is_none_is_a_fault_of_the_files() {
        let directory = tempfile::tempdir().unwrap();
        let garbage = directory.path().join("ca.pem");
        std::fs::write(&garbage, "no certificate").unwrap();
        for path in [garbage.clone(), directory.path().join("nowhere")] {
            let tls = Tls { ca_file: Some(path.clone()), client: None };
            assert_eq!(config(&tls).err(), Some(TlsFault::Files));
            let client = Some(ClientCertificate { cert: path.clone(), key: path });
            assert_eq!(config(&Tls { ca_file: None, client }).err(), Some(TlsFault::Files));
        }
    }
}
