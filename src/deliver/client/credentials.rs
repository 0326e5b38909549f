//! Edge: what lets us in: fetched when it is needed, held in memory, fetched again when it is old or not accepted.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::insert;
use crate::config::Auth;
use crate::secrets::{Credential, TokenError};

/// The credential of one destination.
pub(super) struct Credentials {
    auth: Auth,
    held: Mutex<Option<(HeaderMap, Instant)>>,
}

/// Headers, and whether they were there already: those that have just been fetched are not worth fetching again.
pub(super) struct Held {
    pub headers: HeaderMap,
    pub is_old: bool,
}

impl Credentials {
    pub(super) fn new(auth: Auth) -> Self {
        Self { auth, held: Mutex::default() }
    }

    /// What is held, or what is fetched now.
    pub(super) async fn get(&self) -> Result<Held, TokenError> {
        let mut held = self.held.lock().await;
        if let Some((headers, until)) = &*held
            && *until > Instant::now()
        {
            return Ok(Held { headers: headers.clone(), is_old: true });
        }
        *held = None;
        let fetched = self.auth.token.fetch().await?;
        let headers = self.headers(&fetched.credential).ok_or(TokenError::Answer)?;
        *held = Some((headers.clone(), Instant::now() + fetched.life));
        Ok(Held { headers, is_old: false })
    }

    /// What is held was not accepted.
    pub(super) async fn forget(&self) {
        *self.held.lock().await = None;
    }

    fn headers(&self, credential: &Credential) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        match credential {
            Credential::Token(token) => {
                let value = match &self.auth.scheme {
                    Some(scheme) => zeroize::Zeroizing::new(format!("{scheme} {}", token.expose())),
                    None => zeroize::Zeroizing::new(token.expose().to_owned()),
                };
                let name = HeaderName::from_bytes(self.auth.header.as_bytes()).ok()?;
                insert(&mut headers, name, HeaderValue::from_str(&value).ok()?);
            }
            Credential::Headers(pairs) => {
                for (name, value) in pairs {
                    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                    insert(&mut headers, name, HeaderValue::from_str(value.expose()).ok()?);
                }
            }
        }
        Some(headers)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::secrets::TokenSource;
    use crate::secrets::token::TOKEN_LIFE;

    fn counting(directory: &std::path::Path, answer: &str) -> Credentials {
        let script = format!("echo x >> {}/calls; {answer}", directory.display());
        let token = TokenSource::Command(["/bin/sh".to_owned(), "-c".to_owned(), script].to_vec());
        Credentials::new(Auth { header: "x-a".to_owned(), scheme: Some("Bearer".to_owned()), token })
    }

    fn calls(directory: &std::path::Path) -> usize {
        std::fs::read_to_string(directory.join("calls")).unwrap().lines().count()
    }

    #[tokio::test]
    async fn a_credential_is_fetched_once_and_again_when_it_is_old_or_was_not_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let credentials = counting(directory.path(), "echo FAKE");
        for is_old in [false, true, true] {
            let held = credentials.get().await.unwrap();
            assert_eq!((held.headers["x-a"].to_str().unwrap(), held.is_old), ("Bearer FAKE", is_old));
            assert!(held.headers["x-a"].is_sensitive());
        }
        assert_eq!(calls(directory.path()), 1);
        credentials.forget().await;
        assert!(!credentials.get().await.unwrap().is_old);
        tokio::time::pause();
        tokio::time::advance(TOKEN_LIFE + Duration::from_secs(1)).await;
        tokio::time::resume();
        assert!(!credentials.get().await.unwrap().is_old);
        assert_eq!(calls(directory.path()), 3);
    }

    #[tokio::test]
    async fn headers_of_a_helper_are_sent_as_they_are_but_not_those_of_the_body() {
        let directory = tempfile::tempdir().unwrap();
        let answer = r#"echo '{"x-b":"1","content-type":"text/html","expires_in":0}'"#;
        let credentials = counting(directory.path(), answer);
        for _ in 0..2 {
            let held = credentials.get().await.unwrap();
            assert_eq!(held.headers.len(), 1);
            assert_eq!((held.headers["x-b"].to_str().unwrap(), held.is_old), ("1", false));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_a_header_is_no_credential() {
        let directory = tempfile::tempdir().unwrap();
        let credentials = counting(directory.path(), r#"echo '{"a b":"FAKE"}'"#);
        assert_eq!(credentials.get().await.err(), Some(TokenError::Answer));
    }
}
