//! One kept connection: a request that is bytes already, and the reply's body. As little work as can be, for every
//! microsecond of it is taken from the server on the same machine.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest reply that is read.
const REPLY_BYTES_MAX: usize = 1 << 20;
/// How much of a refusal is shown.
const SHOWN: usize = 500;

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true).context("set TCP_NODELAY")?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(16 << 10),
        })
    }

    /// Sends a request and waits for its reply; an error if that is not 200.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await.context("send a request")?;
        self.buffer.clear();
        loop {
            let read = self
                .stream
                .read_buf(&mut self.buffer)
                .await
                .context("read a reply")?;
            anyhow::ensure!(read > 0, "the server closed the connection");
            if let Some(body) = body(&self.buffer)? {
                return Ok(&self.buffer[body]);
            }
            anyhow::ensure!(
                self.buffer.len() <= REPLY_BYTES_MAX,
                "a reply is longer than {REPLY_BYTES_MAX} bytes"
            );
        }
    }
}

/// Where the body of a whole reply lies; none while some of it is on its way.
fn body(bytes: &[u8]) -> anyhow::Result<Option<Range<usize>>> {
    let Some(end) = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|at| at + 4)
    else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).context("read a reply's head")?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .context("a reply does not say how long it is")?;
    if bytes.len() - end < length {
        return Ok(None);
    }
    let body = end..end + length;
    if !head.starts_with("HTTP/1.1 200 ") {
        let status = head.lines().next().unwrap_or_default();
        let shown = String::from_utf8_lossy(&bytes[end..end + length.min(SHOWN)]);
        anyhow::bail!("the server answered {status}: {shown}");
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_when_its_last_byte_is_there() {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 5\r\n\r\nhello";
        for cut in 0..reply.len() {
            assert_eq!(body(&reply[..cut]).expect("no fault"), None, "cut at {cut}");
        }
        let whole = body(reply).expect("no fault").expect("whole");
        assert_eq!(&reply[whole], b"hello");
    }

    #[test]
    fn a_refusal_is_an_error_that_shows_it() {
        let reply = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";
        let error = body(reply).expect_err("a refusal").to_string();
        assert!(error.contains("503") && error.ends_with("busy"), "{error}");
        let endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(body(endless).is_err());
    }
}
