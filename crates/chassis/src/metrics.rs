//! Metrics on a listener of their own, so that scraping never competes with product traffic.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};
use tokio::net::TcpListener;

use crate::Shutdown;

/// `GET /metrics` over one registry, in the Prometheus text format.
pub fn router(registry: Registry) -> Router {
    Router::new().route("/metrics", get(render)).with_state(registry)
}

/// Serves [`router`] on `listener` until `shutdown`.
pub async fn serve(listener: TcpListener, registry: Registry, shutdown: Shutdown) -> std::io::Result<()> {
    axum::serve(listener, router(registry))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

async fn render(State(registry): State<Registry>) -> Response {
    let encoder = TextEncoder::new();
    let mut body = Vec::new();
    match encoder.encode(&registry.gather(), &mut body) {
        Ok(()) => ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::IntCounter;

    #[tokio::test]
    async fn a_scrape_shows_what_was_counted() {
        let registry = Registry::new();
        let counter = IntCounter::new("ceteris_test_total", "counted in a test").unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        counter.inc_by(3);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let server = tokio::spawn(serve(listener, registry, shutdown.clone()));
        let text = reqwest::get(format!("http://{address}/metrics"))
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(text.contains("ceteris_test_total 3"), "{text}");
        shutdown.cancel();
        server.await.unwrap().unwrap();
    }
}
