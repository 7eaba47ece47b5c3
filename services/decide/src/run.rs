//! Starts the service from its configuration and its ports, and takes it down in order.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use axum::serve::ListenerExt;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::identity::IdentityKey;
use ceteris_effect_cache::EffectCache;
use ceteris_feature_store::FeatureStore;
use ceteris_registry::Registry;
use ceteris_stream::EventLog;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::cached::CachedEffects;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::http;
use crate::idempotency::RecentReplies;
use crate::journal::{self, Forwarder, TopicSink};
use crate::loader::Loader;
use crate::metrics::Metrics;
use crate::stored::StoredFeatures;

/// What the service stands on.
#[derive(Clone)]
pub struct Deps {
    /// Problems, aliases and artifacts.
    pub registry: Registry,
    /// Stored features.
    pub features: Arc<dyn FeatureStore>,
    /// Effects that were computed before; `NoCache` where they are computed each time.
    pub effects: Arc<dyn EffectCache>,
    /// Where decisions go.
    pub log: Arc<dyn EventLog>,
    /// Where time comes from.
    pub clock: Clock,
    /// Under which user ids are hashed.
    pub identity: IdentityKey,
    /// Where metrics are registered.
    pub metrics: prometheus::Registry,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// A service that listens but does not answer yet.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    loader: Loader,
    forwarder: Forwarder,
}

/// Starts the service and runs it until `shutdown`.
///
/// # Errors
/// A configuration that would be unsafe, an address in use, a journal that cannot be opened or written.
pub async fn run(config: Config, deps: Deps, shutdown: Shutdown) -> Result<()> {
    Server::start(config, deps, shutdown).await?.run().await
}

impl Server {
    /// Opens the journal, takes the address and asks the registry once.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn start(config: Config, deps: Deps, shutdown: Shutdown) -> Result<Self> {
        config.check()?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        if config.keys.is_empty() {
            tracing::warn!("no API keys are configured: only loopback addresses are served");
        }
        let (app, loader, forwarder) = assemble(config, deps, shutdown).await?;
        Ok(Server {
            app,
            listener,
            loader,
            forwarder,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.listener
            .local_addr()
            .context("cannot tell the address listened on")
    }

    /// The service behind the routes.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Answers until the shutdown, then finishes: requests in flight first, then the journal, each within the
    /// configured time. What the topic has not taken by then stays in the journal and is shipped at the next start.
    ///
    /// # Errors
    /// A forwarder that gave up, a listener that failed.
    pub async fn run(self) -> Result<()> {
        let Server {
            app,
            listener,
            loader,
            forwarder,
        } = self;
        let (shutdown, drain_timeout) = (app.shutdown.clone(), app.config.drain_timeout);
        let loading = tokio::spawn(loader.run(app.config.poll_interval, shutdown.clone()));
        let drain = Shutdown::new();
        let forwarding = tokio::spawn(watched(forwarder, drain.clone(), Arc::clone(&app)));
        let address = listener
            .local_addr()
            .context("cannot tell the address listened on")?;
        tracing::info!(%address, "the decision API listens");
        // Replies are small and whole: waiting for more bytes to send would only delay them.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY cannot be set");
            }
        });
        let serving = axum::serve(listener, http::router(Arc::clone(&app)))
            .with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let mut serving = tokio::spawn(serving.into_future());
        let served = tokio::select! {
            ended = &mut serving => Some(ended),
            () = shutdown.cancelled() => tokio::time::timeout(drain_timeout, &mut serving).await.ok(),
        };
        // Clients that keep a request open for longer are cut off: nothing was answered to them.
        serving.abort();
        shutdown.cancel();
        drain.cancel();
        let mut forwarding = forwarding;
        let drained = tokio::time::timeout(drain_timeout, &mut forwarding).await;
        forwarding.abort();
        loading.abort();
        match drained {
            Ok(ended) => ended.context("the forwarder's task failed")??,
            Err(_) => {
                tracing::warn!("the journal was not drained in time; the rest is shipped at the next start")
            }
        }
        match served {
            Some(ended) => ended
                .context("the server's task failed")?
                .context("the listener failed"),
            None => Ok(()),
        }
    }
}

/// The app with its tasks, without a listener: what tests call through the router.
///
/// # Errors
/// As [`run`].
pub async fn assemble(
    config: Config,
    deps: Deps,
    shutdown: Shutdown,
) -> Result<(Arc<App>, Loader, Forwarder)> {
    config.check()?;
    let metrics = Metrics::register(&deps.metrics)?;
    metrics
        .journal_bytes_max
        .set(i64::try_from(config.journal_bytes_max).unwrap_or(i64::MAX));
    let (journal, cursor) = journal::open(
        &config.journal_dir,
        config.journal_bytes_max,
        config.journal_sync,
        config.spool,
    )?;
    let sink = TopicSink {
        log: deps.log,
        partitions: config.topic_partitions,
    };
    let forwarder = Forwarder::new(journal.view().clone(), cursor, sink, metrics.clone())?;
    let catalog = Arc::new(Catalog::new(deps.registry.clone(), config.pinned_models_max));
    let mut loader = Loader::new(
        deps.registry,
        Arc::clone(&catalog),
        metrics.clone(),
        config.problems.clone(),
    );
    loader.refresh().await;
    let app = App {
        catalog,
        journal,
        features: StoredFeatures::new(deps.features, config.features_timeout, metrics.clone()),
        effects: CachedEffects::new(deps.effects, metrics.clone()),
        clock: deps.clock,
        identity: deps.identity,
        metrics,
        recent: RecentReplies::new(config.idempotent_replies_max),
        permits: Semaphore::new(config.requests_max),
        shutdown,
        forwarding: AtomicBool::new(true),
        config,
    };
    Ok((Arc::new(app), loader, forwarder))
}

/// A forwarder that gives up takes the service out of traffic; its journal still takes what is in flight.
async fn watched(forwarder: Forwarder, drain: Shutdown, app: Arc<App>) -> Result<()> {
    let ended = forwarder.run(drain).await;
    if let Err(error) = &ended {
        app.forwarding.store(false, Ordering::Release);
        tracing::error!(error = format!("{error:#}"), "decisions are no longer shipped");
    }
    ended
}
