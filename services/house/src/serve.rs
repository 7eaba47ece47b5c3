//! Where a house may listen, and serving until somebody ends it.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use ceteris_terminal::bad_input;
use tokio::signal::unix::{SignalKind, signal};

use crate::house::House;

/// A free port on loopback.
pub fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Refuses an address beyond this machine: there are no API keys here.
///
/// # Errors
/// Such an address is the caller's bad input.
pub fn loopback_only(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    if listen.ip().is_loopback() {
        return Ok(listen);
    }
    Err(bad_input(format!(
        "--listen {listen}: is no loopback address, and without API keys only this machine is served; listen on 127.0.0.1"
    )))
}

impl House {
    /// Serves until Ctrl-C or SIGTERM, then drains.
    ///
    /// # Errors
    /// That of a service which ended by itself, or badly.
    pub async fn serve(mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result.context("listen for Ctrl-C")?,
            _ = terminate.recv() => {}
            error = self.failed() => return Err(error),
        }
        eprintln!("draining");
        self.stop().await
    }
}
