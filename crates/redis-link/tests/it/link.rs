//! A link to a real server, through a proxy that cuts, holds back and slows what flows.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ceteris_redis_link::redis::cmd;
use ceteris_redis_link::{BreakerOptions, Greeting, Link, LinkError, LinkOptions};
use ceteris_testkit::proxy::{Proxy, Weather};
use ceteris_testkit::redis::{Redis, url};
use ceteris_testkit::wait::wait_for;
use futures::FutureExt;

fn options(deadline_ms: u64) -> LinkOptions {
    LinkOptions {
        deadline: Duration::from_millis(deadline_ms),
        connect_deadline: Duration::from_secs(5),
        breaker: BreakerOptions {
            failures_max: 3,
            pause: Duration::from_millis(50),
        },
    }
}

async fn ping(link: &Link) -> Result<String, LinkError> {
    link.call(async |mut connection| cmd("PING").query_async(&mut connection).await)
        .await
}

#[tokio::test]
async fn it_goes_on_by_itself_after_cuts_stillness_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Redis::start(folder.path()).await.unwrap();
    let proxy = Proxy::start(server.address()).await.unwrap();
    let link = Link::new(&url(proxy.address()), options(2_000), None).unwrap();
    assert_eq!(ping(&link).await.unwrap(), "PONG");

    let back = async || {
        wait_for("redis to answer again", Duration::from_secs(30), || async {
            Ok(ping(&link).await.ok())
        })
        .await
        .unwrap()
    };
    proxy.set(Weather::Down);
    assert!(ping(&link).await.is_err());
    proxy.set(Weather::Fair);
    back().await;

    server.restart_empty().await.unwrap();
    back().await;
    assert!(!link.breaker().is_open());
}

#[tokio::test]
async fn a_silent_server_costs_the_deadline_until_the_breaker_opens_and_nothing_then() {
    let folder = tempfile::tempdir().unwrap();
    let server = Redis::start(folder.path()).await.unwrap();
    let proxy = Proxy::start(server.address()).await.unwrap();
    let mut options = options(100);
    options.breaker.pause = Duration::from_secs(600);
    let link = Link::new(&url(proxy.address()), options, None).unwrap();
    wait_for("the first answer", Duration::from_secs(30), || async {
        Ok(ping(&link).await.ok())
    })
    .await
    .unwrap();
    proxy.set(Weather::Still);
    for _ in 0..3 {
        let error = ping(&link).await.unwrap_err();
        assert!(matches!(error, LinkError::TooSlow(_)), "{error:?}");
    }
    let error = ping(&link).await.unwrap_err();
    assert!(matches!(error, LinkError::BreakerOpen), "{error:?}");
}

#[tokio::test]
async fn a_server_that_the_greeting_refuses_carries_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let server = Redis::start(folder.path()).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let greeting: Greeting = Arc::new(move |_| {
        let first = count.fetch_add(1, Ordering::AcqRel) == 0;
        async move {
            match first {
                true => Err(LinkError::Refused("it is of another house".to_owned())),
                false => Ok(()),
            }
        }
        .boxed()
    });
    let link = Link::new(&server.url(), options(5_000), Some(greeting)).unwrap();
    let error = ping(&link).await.unwrap_err();
    assert!(error.to_string().contains("another house"), "{error}");
    assert_eq!(
        ping(&link).await.unwrap(),
        "PONG",
        "each new connection is asked again"
    );
    assert_eq!(ping(&link).await.unwrap(), "PONG");
    assert_eq!(asked.load(Ordering::Acquire), 2, "and only new ones are");
}

#[test]
fn an_address_that_is_none_is_refused() {
    let error = Link::new("not a url", options(1), None).unwrap_err();
    assert!(error.to_string().contains("redis://host:port"), "{error}");
}
