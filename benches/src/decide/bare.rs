//! The limit of a decision: an endpoint that reads the same request and writes a reply of the same form and size, with
//! nothing between.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use ceteris_contract::decide::{DecideReply, DecideRequest};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use ceteris_house::any_port;

pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Bare {
    /// Gives everybody this reply, under their own name.
    pub(crate) async fn start(reply: DecideReply) -> anyhow::Result<Bare> {
        let reply = Arc::new(reply);
        let handler = move |body: Bytes| {
            let reply = Arc::clone(&reply);
            async move { answer(&reply, &body) }
        };
        let listener = TcpListener::bind(any_port())
            .await
            .context("listen on loopback")?;
        let address = listener.local_addr().context("the bare endpoint's address")?;
        // As the decision API does.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY cannot be set");
            }
        });
        let router = Router::new().route("/v1/decide", post(handler));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Bare { address, serving })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(reply: &DecideReply, body: &[u8]) -> Response {
    let request = match serde_json::from_slice::<DecideRequest>(body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let mut reply = DecideReply::clone(reply);
    reply.user_id = request.user_id;
    match serde_json::to_vec(&reply) {
        Ok(json) => {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], json).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
