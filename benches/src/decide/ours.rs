//! The decision API alone, over a folder that a house has filled: as it runs where every service is a process, with its
//! journal and its forwarder to the log, and without those that work behind them.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_house::{DataFolder, Origin, any_port, decision_api};
use prometheus::Registry as Metrics;
use tokio::task::JoinHandle;

pub(crate) struct Ours {
    pub(crate) address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<anyhow::Result<()>>,
    _folder: DataFolder,
}

impl Ours {
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Ours> {
        let folder = DataFolder::open(folder, Origin::Real).await?;
        let shutdown = Shutdown::new();
        let server = decision_api(&folder, any_port(), &Metrics::new(), &shutdown).await?;
        let address = server.local_addr()?;
        Ok(Ours {
            address,
            shutdown,
            serving: tokio::spawn(server.run()),
            _folder: folder,
        })
    }

    /// Ends it; an error if it had ended by itself.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.serving.await.context("the decision API ended abnormally")?
    }
}
