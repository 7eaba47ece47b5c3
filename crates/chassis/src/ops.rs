//! What operators ask, on a listener of its own, so that scraping and probing never compete with product traffic:
//! `/livez`, `/readyz` and `/metrics`.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus::{Encoder, Registry, TextEncoder};
use tokio::net::TcpListener;

use crate::Shutdown;
use crate::health::Health;

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// `GET /livez`, `/readyz` and `/metrics`.
pub fn router(metrics: Registry, health: Health) -> Router {
    let probes = Router::new()
        // Answers as long as the async runtime runs. Nothing else is checked, because a restart would mend nothing else.
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(health);
    Router::new()
        .route("/metrics", get(render))
        .with_state(metrics)
        .merge(probes)
}

/// Serves [`router`] on `listener` until `shutdown`.
///
/// # Errors
/// Those of the listener.
pub async fn serve(
    listener: TcpListener,
    metrics: Registry,
    health: Health,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    axum::serve(listener, router(metrics, health))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

/// Asks a running service on this machine whether it lives. Blocks, a few seconds at most.
///
/// # Errors
/// Where it does not answer with 200.
pub fn probe(listen: SocketAddr) -> std::io::Result<()> {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(ip, listen.port());
    let mut stream = TcpStream::connect_timeout(&address, PROBE_TIMEOUT)?;
    stream.set_read_timeout(Some(PROBE_TIMEOUT))?;
    stream.write_all(b"GET /livez HTTP/1.0\r\n\r\n")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    match reply.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(std::io::Error::other(format!(
            "{address} does not answer /livez with 200"
        ))),
    }
}

async fn ready(State(health): State<Health>) -> Response {
    let faults = health.faults();
    match faults.is_empty() {
        true => "ok".into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, Json(faults)).into_response(),
    }
}

async fn render(State(metrics): State<Registry>) -> Response {
    let encoder = TextEncoder::new();
    let mut body = Vec::new();
    match encoder.encode(&metrics.gather(), &mut body) {
        Ok(()) => ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::IntCounter;

    #[tokio::test]
    async fn operators_see_what_was_counted_and_what_is_waited_for() {
        crate::object_storage::install_tls();
        let registry = Registry::new();
        let counter = IntCounter::new("ceteris_test_total", "counted in a test").unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        counter.inc_by(3);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, health) = (Shutdown::new(), Health::default());
        let server = tokio::spawn(serve(listener, registry, health.clone(), shutdown.clone()));
        let ask = async |path: &str| {
            let reply = reqwest::get(format!("http://{address}{path}")).await.unwrap();
            (reply.status().as_u16(), reply.text().await.unwrap())
        };
        let (status, text) = ask("/metrics").await;
        assert!(status == 200 && text.contains("ceteris_test_total 3"), "{text}");
        health.waits("registry", "no problem is registered yet");
        let (status, text) = ask("/readyz").await;
        assert!(
            status == 503 && text.contains("no problem is registered yet"),
            "{text}"
        );
        assert_eq!(ask("/livez").await.0, 200);
        tokio::task::spawn_blocking(move || probe(address))
            .await
            .unwrap()
            .unwrap();
        health.holds("registry");
        assert_eq!(ask("/readyz").await.0, 200);
        shutdown.cancel();
        server.await.unwrap().unwrap();
        assert!(probe(address).is_err(), "nobody answers any more");
    }
}
