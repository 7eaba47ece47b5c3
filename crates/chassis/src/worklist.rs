//! A worker that takes pieces of work off a list until it is told to end. What a piece is, where the list lies and what is
//! written down are the service's; here is when a piece is looked at, tried again and given up.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use ceteris_contract::disposition::{Disposition, HasDisposition};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use crate::Shutdown;
use crate::backoff::Backoff;

/// How often the list is looked at, and how often a piece is tried.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How often the list is looked at.
    pub poll_interval: Duration,
    /// The first pause of a piece after a passing failure; each further one is twice as long.
    pub retry_pause: Duration,
    /// The longest pause.
    pub retry_pause_max: Duration,
    /// Passing failures of a piece in a row after which it is given up with the last one.
    pub attempts_max: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            poll_interval: Duration::from_secs(1),
            retry_pause: Duration::from_millis(500),
            retry_pause_max: Duration::from_secs(60),
            attempts_max: 20,
        }
    }
}

/// What went wrong with a piece of work: in words, and what to do about it.
#[derive(Debug)]
pub struct Fault {
    /// The error with its causes.
    pub reason: String,
    /// [`Disposition::Retry`]: the piece is tried again. Anything else: it is given up.
    pub disposition: Disposition,
}

impl Fault {
    /// One that trying again does not mend.
    pub fn lasting(reason: impl Into<String>) -> Fault {
        Fault {
            reason: reason.into(),
            disposition: Disposition::Park,
        }
    }

    /// One that may mend by itself.
    pub fn passing(reason: impl Into<String>) -> Fault {
        Fault {
            reason: reason.into(),
            disposition: Disposition::Retry,
        }
    }
}

impl<E: HasDisposition> From<E> for Fault {
    fn from(error: E) -> Fault {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Fault {
            reason,
            disposition: error.disposition(),
        }
    }
}

/// What a worker counts.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Pieces on the list.
    pub pending: IntGauge,
    /// Passing failures of pieces.
    pub retries: IntCounter,
    /// Pieces given up, by problem.
    pub failures: IntCounterVec,
}

impl Counts {
    /// Shows them in a registry.
    ///
    /// # Errors
    /// Where their names are taken.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.pending.clone()))?;
        registry.register(Box::new(self.retries.clone()))?;
        registry.register(Box::new(self.failures.clone()))
    }
}

/// A piece of work.
pub trait Piece {
    /// The problem it belongs to.
    fn problem(&self) -> &str;
    /// Its name, unlike that of any other piece.
    fn id(&self) -> &str;
}

/// A list of work, and how a piece of it is done.
pub trait Worklist: Send {
    /// A piece of it.
    type Piece: Piece + Send + Sync;
    /// Who works and on what, in words for the log.
    const WORK: &'static str;

    /// The list as it is now, in the order in which it is worked off.
    fn list(&mut self) -> impl Future<Output = Result<Vec<Self::Piece>, Fault>> + Send;

    /// Takes a piece as far as it goes now. One that is done is not on the next list.
    fn step(&mut self, piece: &Self::Piece) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes down why nothing comes of a piece, which takes it off the list.
    fn give_up(
        &mut self,
        piece: &Self::Piece,
        reason: String,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A piece that failed and is tried again.
struct Retry {
    attempts: u32,
    backoff: Backoff,
}

/// Works off the list until `shutdown`. What is begun then is left for the next worker.
pub async fn work_off<W: Worklist>(mut work: W, pace: &Pace, counts: &Counts, shutdown: &Shutdown) {
    let mut retries = BTreeMap::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = round(&mut work, pace, counts, shutdown, &mut retries) => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pace.poll_interval) => {}
        }
    }
}

/// Looks at every piece once.
async fn round<W: Worklist>(
    work: &mut W,
    pace: &Pace,
    counts: &Counts,
    shutdown: &Shutdown,
    retries: &mut BTreeMap<String, Retry>,
) {
    let pieces = match work.list().await {
        Ok(pieces) => pieces,
        Err(fault) => return tell::<W>("look for work", &fault),
    };
    counts
        .pending
        .set(i64::try_from(pieces.len()).unwrap_or(i64::MAX));
    retries.retain(|id, _| pieces.iter().any(|piece| piece.id() == id));
    for piece in &pieces {
        if retries
            .get(piece.id())
            .is_some_and(|retry| !retry.backoff.is_due())
        {
            continue;
        }
        let fault = match work.step(piece).await {
            Ok(()) => {
                retries.remove(piece.id());
                continue;
            }
            Err(fault) => fault,
        };
        if shutdown.is_cancelled() {
            // A piece that was cut short by the end has not failed.
            return;
        }
        tell::<W>("finish a piece of work", &fault);
        let retry = retries.entry(piece.id().to_owned()).or_insert_with(|| Retry {
            attempts: 0,
            backoff: Backoff::new(pace.retry_pause, pace.retry_pause_max),
        });
        retry.attempts += 1;
        retry.backoff.failed();
        if fault.disposition == Disposition::Retry && retry.attempts < pace.attempts_max {
            counts.retries.inc();
            continue;
        }
        counts.failures.with_label_values(&[piece.problem()]).inc();
        if let Err(fault) = work.give_up(piece, fault.reason).await {
            tell::<W>("record why a piece of work failed", &fault);
        }
    }
}

fn tell<W: Worklist>(what: &str, fault: &Fault) {
    tracing::warn!(
        error = fault.reason,
        disposition = ?fault.disposition,
        "{} could not {what}", W::WORK
    );
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use prometheus::Opts;

    use super::*;

    #[derive(Clone)]
    struct Job(&'static str);

    impl Piece for Job {
        fn problem(&self) -> &str {
            "p"
        }

        fn id(&self) -> &str {
            self.0
        }
    }

    /// Steps taken of each job, and how each ended.
    #[derive(Clone, Default)]
    struct Desk {
        steps: Arc<Mutex<BTreeMap<&'static str, u32>>>,
        ended: Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>,
    }

    impl Worklist for Desk {
        type Piece = Job;
        const WORK: &'static str = "the desk";

        async fn list(&mut self) -> Result<Vec<Job>, Fault> {
            let ended = self.ended.lock().unwrap();
            let names = ["good", "slow", "hopeless", "away"].into_iter();
            Ok(names.filter(|name| !ended.contains_key(name)).map(Job).collect())
        }

        async fn step(&mut self, job: &Job) -> Result<(), Fault> {
            let mut steps = self.steps.lock().unwrap();
            let step = steps.entry(job.0).or_default();
            *step += 1;
            match (job.0, *step) {
                ("hopeless", _) => return Err(Fault::lasting("it makes no sense")),
                ("away", _) | ("slow", 1 | 2) => return Err(Fault::passing("nobody answers")),
                _ => {}
            }
            self.ended.lock().unwrap().insert(job.0, Ok(()));
            Ok(())
        }

        async fn give_up(&mut self, job: &Job, reason: String) -> Result<(), Fault> {
            self.ended.lock().unwrap().insert(job.0, Err(reason));
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_the_rest_is_given_up_with_its_reason() {
        let (desk, shutdown) = (Desk::default(), Shutdown::new());
        let ms = Duration::from_millis(1);
        let pace = Pace {
            poll_interval: ms,
            retry_pause: ms,
            retry_pause_max: ms,
            attempts_max: 4,
        };
        let counts = Counts {
            pending: IntGauge::new("pending", "pending").unwrap(),
            retries: IntCounter::new("retries", "retries").unwrap(),
            failures: IntCounterVec::new(Opts::new("failures", "failures"), &["problem"]).unwrap(),
        };
        let done = async {
            while desk.ended.lock().unwrap().len() < 4 {
                tokio::time::sleep(ms).await;
            }
            shutdown.cancel();
        };
        tokio::join!(work_off(desk.clone(), &pace, &counts, &shutdown), done);
        let ended = desk.ended.lock().unwrap().clone();
        assert_eq!(ended["good"], Ok(()));
        assert_eq!(ended["slow"], Ok(()));
        assert_eq!(ended["hopeless"], Err("it makes no sense".to_owned()));
        assert_eq!(ended["away"], Err("nobody answers".to_owned()));
        let steps = desk.steps.lock().unwrap().clone();
        assert_eq!(
            steps,
            BTreeMap::from([("good", 1), ("slow", 3), ("hopeless", 1), ("away", 4)])
        );
        assert_eq!(counts.retries.get(), 2 + 3);
        assert_eq!(counts.failures.with_label_values(&["p"]).get(), 2);
    }
}
