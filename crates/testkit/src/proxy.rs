//! A TCP proxy between a client and a server, for outages on demand: refused, cut, held back or let through.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Bytes passed on at once.
const CHUNK: usize = 64 << 10;

/// What the proxy does with what flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Fair,
    /// Every chunk, in both directions, waits for this long first.
    Slow(Duration),
    /// Connections stay open and nothing passes, as behind a network that drops packets.
    Still,
    /// What clients send passes; a reply cuts its connection instead of reaching the client: the server has done the
    /// work, and the client does not learn of it.
    Mute,
    /// Connections are cut, and new ones are closed as soon as they are made.
    Down,
}

/// A running proxy; it ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    upstream: watch::Sender<SocketAddr>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port for connections to `upstream`.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(upstream: SocketAddr) -> anyhow::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("listen as a proxy")?;
        let address = listener.local_addr().context("read the proxy's address")?;
        let (weather, watcher) = watch::channel(Weather::Fair);
        let (upstream, target) = watch::channel(upstream);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, target.clone(), watcher.clone()));
            }
        });
        Ok(Proxy {
            address,
            weather,
            upstream,
            accepting,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what the proxy does, for open connections too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Sends new connections elsewhere: a server that was started again on another port.
    pub fn lead_to(&self, upstream: SocketAddr) {
        self.upstream.send_replace(upstream);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.weather.send_replace(Weather::Down);
    }
}

async fn connection(
    client: TcpStream,
    target: watch::Receiver<SocketAddr>,
    weather: watch::Receiver<Weather>,
) {
    let mut storm = weather.clone();
    let upstream = *target.borrow();
    let both = async {
        pass(&weather).await;
        let server = TcpStream::connect(upstream).await.ok()?;
        // A proxy that gathered small packets would add the delays that tests look for.
        client.set_nodelay(true).ok()?;
        server.set_nodelay(true).ok()?;
        let (client_in, client_out) = client.into_split();
        let (server_in, server_out) = server.into_split();
        let muted = Notify::new();
        tokio::select! {
            _ = async {
                tokio::join!(
                    flow(client_in, server_out, weather.clone(), None),
                    flow(server_in, client_out, weather.clone(), Some(&muted))
                )
            } => {}
            () = muted.notified() => {}
        }
        Some(())
    };
    tokio::select! {
        _ = both => {}
        _ = storm.wait_for(|weather| *weather == Weather::Down) => {}
    }
}

async fn flow(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    weather: watch::Receiver<Weather>,
    muted: Option<&Notify>,
) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        pass(&weather).await;
        if let Some(muted) = muted
            && *weather.borrow() == Weather::Mute
        {
            muted.notify_one();
            return;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            break;
        }
    }
    // The end of one direction is passed on; the other may still flow.
    let _ = to.shutdown().await;
}

/// Returns when a chunk may pass.
async fn pass(weather: &watch::Receiver<Weather>) {
    let mut weather = weather.clone();
    let now = weather.wait_for(|weather| matches!(weather, Weather::Fair | Weather::Slow(_) | Weather::Mute));
    match now.await.map(|now| *now) {
        Ok(Weather::Slow(delay)) => tokio::time::sleep(delay).await,
        Ok(_) => {}
        // The proxy has ended, and its connections with it.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        address
    }

    async fn said(stream: &mut TcpStream, word: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(word).await?;
        let mut back = vec![0; word.len()];
        stream.read_exact(&mut back).await?;
        Ok(back)
    }

    #[tokio::test]
    async fn what_flows_follows_the_weather() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(said(&mut stream, b"fair").await.unwrap(), b"fair");

        proxy.set(Weather::Still);
        stream.write_all(b"held").await.unwrap();
        let mut back = [0; 4];
        let early = tokio::time::timeout(Duration::from_millis(50), stream.read_exact(&mut back)).await;
        assert!(early.is_err(), "nothing passes while it is still");
        proxy.set(Weather::Fair);
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"held", "what was held back passes afterwards");

        proxy.set(Weather::Mute);
        let mut unheard = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(said(&mut unheard, b"done").await.is_err(), "the reply is cut off");
        proxy.set(Weather::Fair);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(said(&mut stream, b"fair").await.unwrap(), b"fair");

        proxy.set(Weather::Down);
        assert!(
            said(&mut stream, b"cut").await.is_err(),
            "open connections are cut"
        );
        let mut late = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(said(&mut late, b"cut").await.is_err(), "new ones come to nothing");
        proxy.set(Weather::Fair);
        let mut again = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(said(&mut again, b"back").await.unwrap(), b"back");
    }
}
