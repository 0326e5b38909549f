//! Edge: the way to an endpoint: straight, through a proxy's tunnel, or by a proxy that forwards.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::CONNECT_TIMEOUT;
use crate::config::Proxies;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A proxy did not let us through. Its address and its answer are not repeated: they may hold credentials.
#[derive(Debug, thiserror::Error)]
#[error("the proxy does not let us through")]
pub(super) struct ProxyRefused;

/// Makes connections.
#[derive(Clone)]
pub(super) struct Route {
    direct: HttpConnector,
    proxies: Arc<Matcher>,
    /// HTTP/2 with prior knowledge gets through no proxy that forwards.
    tunnel_all: bool,
    /// Whether a connection was ever made: to the endpoint, or to the proxy before it.
    connected: Arc<AtomicBool>,
}

impl Route {
    pub(super) fn new(proxies: &Proxies, tunnel_all: bool) -> Self {
        let mut direct = HttpConnector::new();
        direct.set_connect_timeout(Some(CONNECT_TIMEOUT));
        direct.set_nodelay(true);
        direct.enforce_http(false);
        let address = |proxy: &Option<crate::secrets::Secret>| {
            proxy.as_ref().map(|proxy| proxy.expose().to_owned()).unwrap_or_default()
        };
        let matcher = Matcher::builder().http(address(&proxies.http)).https(address(&proxies.https));
        Self {
            direct,
            proxies: Arc::new(matcher.no(proxies.no.as_str()).build()),
            tunnel_all,
            connected: Arc::default(),
        }
    }

    /// The proxy for an address, if there is one. What is on this machine is reached without.
    fn proxy(&self, to: &Uri) -> Option<Intercept> {
        let host = to.host()?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if loopback || bare.eq_ignore_ascii_case("localhost") || bare.ends_with(".localhost") {
            return None;
        }
        self.proxies.intercept(to)
    }

    /// What a proxy that forwards wants to see in each request.
    pub(super) fn authorization(&self, to: &Uri) -> Option<HeaderValue> {
        if self.tunnels(to) {
            return None;
        }
        let mut value = self.proxy(to)?.basic_auth()?.clone();
        value.set_sensitive(true);
        Some(value)
    }

    /// Whether a connection was ever made: to the endpoint, or to the proxy before it.
    pub(super) fn has_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Whether it goes there without a proxy.
    pub(super) fn is_direct(&self, to: &Uri) -> bool {
        self.proxy(to).is_none()
    }

    fn tunnels(&self, to: &Uri) -> bool {
        self.tunnel_all || to.scheme() == Some(&Scheme::HTTPS)
    }
}

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (mut direct, connected) = (self.direct.clone(), Arc::clone(&self.connected));
        let connected = move || connected.store(true, Ordering::Relaxed);
        let Some(proxy) = self.proxy(&to) else {
            return Box::pin(async move {
                let io = direct.call(to).await?;
                connected();
                Ok(Stream { io, forwarded: false })
            });
        };
        let tunnels = self.tunnels(&to);
        Box::pin(async move {
            if proxy.uri().scheme() != Some(&Scheme::HTTP) {
                return Err(ProxyRefused.into());
            }
            if !tunnels {
                let io = direct.call(proxy.uri().clone()).await.map_err(|_| ProxyRefused)?;
                connected();
                return Ok(Stream { io, forwarded: true });
            }
            let mut tunnel = Tunnel::new(proxy.uri().clone(), direct);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            let io = tunnel.call(with_port(to)).await.map_err(|_| ProxyRefused)?;
            connected();
            Ok(Stream { io, forwarded: false })
        })
    }
}

/// The address with its port: a tunnel takes one without for 443.
fn with_port(to: Uri) -> Uri {
    if to.port().is_some() || to.scheme() != Some(&Scheme::HTTP) {
        return to;
    }
    let port = to.host().and_then(|host| format!("{host}:80").parse::<Authority>().ok());
    let mut parts = to.clone().into_parts();
    parts.authority = port.or(parts.authority);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).unwrap_or(to)
}

/// A connection. Through a proxy that forwards, requests name the whole address.
pub(super) struct Stream {
    io: TokioIo<TcpStream>,
    forwarded: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.forwarded)
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secret;

    fn route(tunnel_all: bool) -> Route {
        let proxy = |text: &str| Some(Secret::new(text));
        let (http, https) = (proxy("http://me:FAKE@plain:3128"), proxy("http://secure:8080"));
        Route::new(&Proxies { http, https, no: "inside.example.com, 10.0.0.0/8,.corp".to_owned() }, tunnel_all)
    }

    fn proxy(to: &'static str) -> Option<String> {
        route(false).proxy(&Uri::from_static(to)).map(|proxy| proxy.uri().host().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_proxy_follows_the_scheme_and_what_is_near_is_reached_without() {
        for (to, want) in [
            ("https://otlp.example.com/x", Some("secure")),
            ("http://otlp.example.com:4318", Some("plain")),
            ("https://inside.example.com", None),
            ("https://10.1.2.3", None),
            ("https://a.corp", None),
            ("http://127.0.0.1:4318", None),
            ("http://[::1]:4318", None),
            ("http://LOCALHOST:4318", None),
        ] {
            assert_eq!(proxy(to).as_deref(), want, "{to}");
        }
    }

    #[test]
    fn only_a_proxy_that_forwards_gets_its_credentials_with_each_request() {
        let (plain, secure) = (Uri::from_static("http://h.example.com/"), Uri::from_static("https://h.example.com/"));
        let value = route(false).authorization(&plain).unwrap();
        assert!(value.is_sensitive() && value.to_str().unwrap().starts_with("Basic "));
        assert_eq!(route(false).authorization(&secure), None);
        assert_eq!(route(true).authorization(&plain), None);
    }

    #[test]
    fn a_tunnel_is_told_the_port() {
        for (to, want) in [
            ("http://h/x", "http://h:80/x"),
            ("http://h", "http://h:80/"),
            ("http://h:4317/", "http://h:4317/"),
            ("https://h/", "https://h/"),
        ] {
            assert_eq!(with_port(Uri::from_static(to)).to_string(), want);
        }
    }
}
