//! Serving until somebody ends it.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::fleet::Fleet;
use crate::output::bad_input;

/// A free port on loopback.
pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Refuses an address beyond this machine: there are no API keys here.
pub(crate) fn loopback_only(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    if listen.ip().is_loopback() {
        return Ok(listen);
    }
    Err(bad_input(format!(
        "--listen {listen}: is no loopback address, and without API keys only this machine is served; listen on 127.0.0.1"
    )))
}

/// Serves until Ctrl-C or SIGTERM, then drains; an error if a service ends by itself.
pub(crate) async fn until_ended(mut fleet: Fleet) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("listen for Ctrl-C")?,
        _ = terminate.recv() => {}
        error = fleet.failed() => return Err(error),
    }
    eprintln!("draining");
    fleet.stop().await
}
