//! Free loopback ports.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context;

/// A loopback address whose port was free a moment ago.
///
/// Another process may take the port before a server binds it; a server that then fails to start is started again on
/// another one by its caller.
///
/// # Errors
/// Where the machine has no free port.
pub fn free() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("read a free port")
}
