//! The decision API alone, over a folder that a fleet has filled: as it runs where every service is a process, with its
//! journal and its forwarder to the log, and without those that work behind them.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_decide::Server;
use prometheus::Registry as Metrics;
use tokio::task::JoinHandle;

use crate::fleet::{decide_config, decide_deps};
use crate::house::{House, World};
use crate::verbs::serve::any_port;

pub(crate) struct Ours {
    pub(crate) address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<anyhow::Result<()>>,
    _house: House,
}

impl Ours {
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Ours> {
        let house = House::open(folder, World::Real).await?;
        let shutdown = Shutdown::new();
        let (config, deps) = (
            decide_config(&house, any_port()),
            decide_deps(&house, &Metrics::new()),
        );
        let server = Server::start(config, deps, shutdown.clone())
            .await
            .context("start the decision API")?;
        let address = server.local_addr()?;
        Ok(Ours {
            address,
            shutdown,
            serving: tokio::spawn(server.run()),
            _house: house,
        })
    }

    /// Ends it; an error if it had ended by itself.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.serving.await.context("the decision API ended abnormally")?
    }
}
