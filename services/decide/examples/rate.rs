//! How fast is `POST /v1/decide` beside a bare axum endpoint that reads and writes the same JSON?
//!
//! `cargo run --example rate -p ceteris-decide [-- ROUNDS SECONDS CONNECTIONS]`: both servers run in this process, one after
//! the other in turns, on two threads; the load, closed loop over kept connections, in another. Printed for each round:
//! requests a second, CPU time of the server a request (which other work on the machine does not change), and the
//! quotients. `rate serve decide|bare` only serves, for a profiler.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::routing::post;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::decide::{DecideReply, DecideRequest};
use ceteris_contract::duration::Span;
use ceteris_contract::identity::IdentityKey;
use ceteris_decide::config::Config;
use ceteris_decide::{Deps, NoCache, Server};
use ceteris_feature_store::MemoryStore;
use ceteris_registry::Registry;
use ceteris_stream::EmbeddedLog;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code)]
mod support;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A served decision API over embedded backends; the folder and the server's end with the handle.
struct Decide {
    address: SocketAddr,
    shutdown: Shutdown,
    _world: support::World,
}

async fn decide() -> Decide {
    let world = support::World::new().await;
    world.promote(0.0).await;
    let shutdown = Shutdown::new();
    let mut config = Config::new(world.folder.path().join("rate"));
    config.listen = "127.0.0.1:0".parse().unwrap();
    let deps = Deps {
        registry: Registry::open(world.folder.path().join("registry")).unwrap(),
        features: Arc::new(MemoryStore::new(16, Span::minutes(5)).unwrap()),
        effects: Arc::new(NoCache),
        log: Arc::new(EmbeddedLog::open(world.folder.path().join("rate-log"), Arc::new(|| 0)).unwrap()),
        clock: Clock::Wall,
        identity: IdentityKey::new([7; 32]),
        metrics: prometheus::Registry::new(),
    };
    let server = Server::start(config, deps, shutdown.clone()).await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(server.run());
    Decide {
        address,
        shutdown,
        _world: world,
    }
}

/// The same JSON in and out, and nothing between.
async fn bare(reply: DecideReply) -> SocketAddr {
    let reply = Arc::new(reply);
    let handler = move |body: Bytes| {
        let reply = Arc::clone(&reply);
        async move {
            let request: DecideRequest = serde_json::from_slice(&body).unwrap();
            let mut reply = DecideReply::clone(&reply);
            reply.user_id = request.user_id;
            let json = HeaderValue::from_static("application/json");
            (
                [(header::CONTENT_TYPE, json)],
                serde_json::to_vec(&reply).unwrap(),
            )
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/decide", post(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Every view in the context, so that no feature store is asked.
fn body(user: usize) -> Vec<u8> {
    let mut request = support::request(&format!("user-{user}"), 0.625);
    let problem = support::problem(&support::ecommerce_yaml());
    for view in problem.decision_views() {
        if request["context"].get(&view.name).is_none() {
            request["context"][&view.name] = serde_json::json!(3.5);
        }
    }
    serde_json::to_vec(&request).unwrap()
}

fn http(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends and reads one reply; its body.
async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> std::ops::Range<usize> {
    stream.write_all(request).await.unwrap();
    buffer.clear();
    loop {
        assert!(stream.read_buf(buffer).await.unwrap() > 0, "the server hung up");
        let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4) else {
            continue;
        };
        let head = std::str::from_utf8(&buffer[..end]).unwrap().to_ascii_lowercase();
        assert!(
            head.starts_with("http/1.1 200"),
            "{}",
            String::from_utf8_lossy(buffer)
        );
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if buffer.len() >= end + length {
            return end..end + length;
        }
    }
}

/// The load: requests answered within the time, on standard output.
async fn load(address: SocketAddr, seconds: f64, connections: usize) {
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            tokio::spawn(async move {
                let request = http(&body(number));
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (mut buffer, mut count) = (Vec::new(), 0u64);
                while Instant::now() < until {
                    exchange(&mut stream, &request, &mut buffer).await;
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.unwrap();
    }
    println!("{count}");
}

/// CPU seconds of this process so far, in ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Requests a second and microseconds of CPU a request, of the server in this process under a load from another.
fn measured(address: SocketAddr, seconds: &str, connections: &str) -> (f64, f64) {
    let before = cpu_seconds();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["load", &address.to_string(), seconds, connections])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let cpu = cpu_seconds() - before;
    let count: f64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    (count / seconds.parse::<f64>().unwrap(), cpu / count * 1e6)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = runtime();
    if let ["load", address, seconds, connections] = args[..] {
        let (seconds, connections) = (seconds.parse().unwrap(), connections.parse().unwrap());
        return runtime.block_on(load(address.parse().unwrap(), seconds, connections));
    }
    let decide = runtime.block_on(decide());
    let bare = runtime.block_on(async {
        let mut stream = TcpStream::connect(decide.address).await.unwrap();
        let mut buffer = Vec::new();
        let range = exchange(&mut stream, &http(&body(0)), &mut buffer).await;
        println!("{} bytes in, {} out", body(0).len(), range.len());
        bare(serde_json::from_slice(&buffer[range]).unwrap()).await
    });
    if let ["serve", which] = args[..] {
        println!("{}", if which == "bare" { bare } else { decide.address });
        runtime.block_on(std::future::pending::<()>());
    }
    let [rounds, seconds, connections] = match args[..] {
        [rounds, seconds, connections] => [rounds, seconds, connections],
        _ => ["5", "3", "16"],
    };
    println!("requests/s: decide bare quotient | server CPU us a request: decide bare quotient");
    for _ in 0..rounds.parse().unwrap() {
        let (ours, ours_cpu) = measured(decide.address, seconds, connections);
        let (bare, bare_cpu) = measured(bare, seconds, connections);
        println!(
            "{ours:9.0} {bare:9.0} {:.3} | {ours_cpu:6.1} {bare_cpu:6.1} {:.3}",
            ours / bare,
            bare_cpu / ours_cpu
        );
    }
    decide.shutdown.cancel();
}
