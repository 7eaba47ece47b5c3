//! The embedded log passes the suite.

// Also in the helpers, which clippy does not take for test code.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use ceteris_stream::conformance::Stage;
use ceteris_stream::{EmbeddedLog, EmbeddedOptions, EventLog};

struct Folder {
    folder: tempfile::TempDir,
    options: EmbeddedOptions,
}

#[async_trait]
impl Stage for Folder {
    async fn open(&self) -> Arc<dyn EventLog> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this log takes its time from the machine, as a real one does"
        )]
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
        Arc::new(EmbeddedLog::open_with(self.folder.path(), Arc::new(clock), self.options).unwrap())
    }
}

mod usual {
    use super::*;

    ceteris_stream::conformance_tests!(Folder {
        folder: tempfile::tempdir().unwrap(),
        options: EmbeddedOptions::default(),
    });
}

/// Segments and fetches so small that every case crosses their borders, and durable to the disk.
mod narrow {
    use super::*;
    use ceteris_stream::SyncMode;

    ceteris_stream::conformance_tests!(Folder {
        folder: tempfile::tempdir().unwrap(),
        options: EmbeddedOptions {
            sync: SyncMode::Disk,
            segment_bytes_max: 200,
            fetch_records_max: 3,
            fetch_bytes_max: 100,
        },
    });
}
