//! The connection and its calls.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::watch;

use crate::breaker::{Breaker, BreakerOptions};
use crate::error::LinkError;

/// Asked on each new connection; the error says in one sentence why the server is refused.
pub type Greeting =
    Arc<dyn Fn(MultiplexedConnection) -> BoxFuture<'static, Result<(), LinkError>> + Send + Sync>;

/// The patience of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkOptions {
    /// How long one call may take, connecting included.
    pub deadline: Duration,
    /// How long connecting may take, with the greeting; it goes on while calls give up.
    pub connect_deadline: Duration,
    /// When calls are no longer tried.
    pub breaker: BreakerOptions,
}

/// A connection to one Redis for one purpose. Needs a tokio runtime once it is called.
pub struct Link {
    shared: Arc<Shared>,
    deadline: Duration,
    breaker: Breaker,
}

struct Shared {
    client: Client,
    connect_deadline: Duration,
    greeting: Option<Greeting>,
    slot: Mutex<Slot>,
}

enum Slot {
    Empty,
    Connecting(watch::Receiver<Attempt>),
    Ready(Ready),
}

type Attempt = Option<Result<Ready, LinkError>>;

#[derive(Clone)]
struct Ready {
    /// Tells this connection from a later one.
    identity: Arc<()>,
    connection: MultiplexedConnection,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the address: it may hold a password.
        f.debug_struct("Link")
            .field("deadline", &self.deadline)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// A link to the Redis at `url`; it connects with the first call.
    ///
    /// # Errors
    /// [`LinkError::Address`].
    pub fn new(url: &str, options: LinkOptions, greeting: Option<Greeting>) -> Result<Link, LinkError> {
        let shared = Shared {
            client: Client::open(url).map_err(LinkError::Address)?,
            connect_deadline: options.connect_deadline,
            greeting,
            slot: Mutex::new(Slot::Empty),
        };
        Ok(Link {
            shared: Arc::new(shared),
            deadline: options.deadline,
            breaker: Breaker::new(options.breaker),
        })
    }

    /// Whether calls are tried now.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Does `work` on the connection, within the deadline and unless the breaker is open.
    ///
    /// # Errors
    /// [`LinkError`]; after a timeout the server may still carry the work out.
    pub async fn call<T, F>(&self, work: impl FnOnce(MultiplexedConnection) -> F) -> Result<T, LinkError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if !self.breaker.admit(Instant::now()) {
            return Err(LinkError::BreakerOpen);
        }
        let mut used = None;
        let called = tokio::time::timeout(self.deadline, async {
            let ready = Shared::connection(&self.shared).await?;
            used = Some(Arc::clone(&ready.identity));
            work(ready.connection).await.map_err(LinkError::Failed)
        });
        let result = called.await.unwrap_or(Err(LinkError::TooSlow(self.deadline)));
        match &result {
            Ok(_) => self.breaker.succeeded(),
            Err(error) => {
                self.breaker.failed(Instant::now());
                // A server that answers with an error is still there; all else may be the connection's fault.
                let answered = matches!(error, LinkError::Failed(error) if !error.is_io_error());
                if let (false, Some(identity)) = (answered, used) {
                    self.shared.discard(&identity);
                }
            }
        }
        result
    }
}

impl Shared {
    /// The connection; connects, or joins those who wait for the attempt under way.
    async fn connection(shared: &Arc<Shared>) -> Result<Ready, LinkError> {
        let mut attempt = {
            let mut slot = shared.lock();
            match &*slot {
                Slot::Ready(ready) => return Ok(ready.clone()),
                Slot::Connecting(attempt) => attempt.clone(),
                Slot::Empty => {
                    let attempt = Shared::begin(Arc::clone(shared));
                    *slot = Slot::Connecting(attempt.clone());
                    attempt
                }
            }
        };
        let made = attempt.wait_for(Option::is_some).await;
        match made.as_deref() {
            Ok(Some(made)) => made.clone(),
            // The runtime is going down.
            _ => Err(LinkError::ConnectTooSlow(shared.connect_deadline)),
        }
    }

    /// Connects on a task of its own, so that a call that gives up does not end the attempt.
    fn begin(shared: Arc<Shared>) -> watch::Receiver<Attempt> {
        let (tell, attempt) = watch::channel(None);
        tokio::spawn(async move {
            let made = tokio::time::timeout(shared.connect_deadline, shared.connect())
                .await
                .unwrap_or(Err(LinkError::ConnectTooSlow(shared.connect_deadline)));
            *shared.lock() = match &made {
                Ok(ready) => Slot::Ready(ready.clone()),
                Err(error) => {
                    let error = error as &(dyn std::error::Error + 'static);
                    tracing::debug!(error, "no connection to redis");
                    Slot::Empty
                }
            };
            // Nobody may be waiting any more.
            let _ = tell.send(Some(made));
        });
        attempt
    }

    async fn connect(&self) -> Result<Ready, LinkError> {
        // The link's deadlines are the only ones.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(LinkError::Connect)?;
        if let Some(greeting) = &self.greeting {
            greeting(connection.clone()).await?;
        }
        Ok(Ready {
            identity: Arc::new(()),
            connection,
        })
    }

    /// Forgets this connection, unless another has taken its place already.
    fn discard(&self, identity: &Arc<()>) {
        let mut slot = self.lock();
        if matches!(&*slot, Slot::Ready(ready) if Arc::ptr_eq(&ready.identity, identity)) {
            *slot = Slot::Empty;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
