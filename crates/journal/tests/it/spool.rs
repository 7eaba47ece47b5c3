//! The spool: what is acknowledged is there, groups share writes, bounds hold, and a killed process loses nothing.

// Also in the helpers, which clippy does not take for test code.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use ceteris_journal::{Journal, Options, SpoolError, SpoolOptions, SpoolWriter};

fn spool(folder: &std::path::Path, options: SpoolOptions) -> SpoolWriter {
    SpoolWriter::start(Journal::open(folder, Options::default()).unwrap(), options).unwrap()
}

/// Appenders write themselves.
fn appenders_write() -> SpoolOptions {
    SpoolOptions {
        appenders_write: true,
        ..SpoolOptions::default()
    }
}

#[test]
fn concurrent_appends_are_all_there_at_the_offsets_told() {
    for options in [SpoolOptions::default(), appenders_write()] {
        concurrent_appends(options);
    }
}

fn concurrent_appends(options: SpoolOptions) {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path(), options);
    let told: Vec<(u64, String)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let spool = &spool;
                scope.spawn(move || {
                    let records = (0..200).map(|number| format!("{thread}-{number}"));
                    records
                        .map(|record| (spool.append(record.clone()).wait().unwrap(), record))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let journal = spool.close().unwrap();
    let mut expected = told;
    expected.sort();
    let entries = journal.view().reader(0).read(usize::MAX, usize::MAX).unwrap();
    let found = entries
        .iter()
        .map(|e| (e.offset, String::from_utf8(e.payload.to_vec()).unwrap()));
    assert!(found.eq(expected));
}

#[test]
fn appends_that_wait_together_share_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path(), SpoolOptions::default());
    let writes = Arc::new(AtomicUsize::new(0));
    // The first write is held until a hundred records wait behind it.
    let (reached, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (count, here, held) = (Arc::clone(&writes), Arc::clone(&reached), Arc::clone(&go_on));
    spool.view().on_append(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            here.wait();
            held.wait();
        }
    });
    let first = spool.append("first");
    reached.wait();
    let others: Vec<_> = (0..100)
        .map(|number: u32| spool.append(number.to_string()))
        .collect();
    go_on.wait();
    assert_eq!(first.wait().unwrap(), 0);
    let offsets: Vec<u64> = others
        .into_iter()
        .map(|appended| appended.wait().unwrap())
        .collect();
    assert!(offsets.into_iter().eq(1..101));
    assert_eq!(writes.load(Ordering::SeqCst), 2);
}

#[test]
fn an_appender_writes_for_a_few_others_and_leaves_the_rest_to_the_thread() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path(), appenders_write());
    // Each of the first four writes is held until another record waits behind it.
    let (reached, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let writers = Arc::new(Mutex::new(Vec::new()));
    let (here, held, names) = (Arc::clone(&reached), Arc::clone(&go_on), Arc::clone(&writers));
    spool.view().on_append(move |_| {
        let mut names = names.lock().unwrap();
        names.push(thread::current().name().map(str::to_owned));
        let held_back = names.len() <= 4;
        drop(names);
        if held_back {
            here.wait();
            held.wait();
        }
    });
    thread::scope(|scope| {
        let spool = &spool;
        let appender = thread::Builder::new().name("appender".to_owned());
        let first = appender
            .spawn_scoped(scope, move || spool.append("0").wait().unwrap())
            .unwrap();
        let mut others = Vec::new();
        for number in 1..=4 {
            reached.wait();
            others.push(spool.append(number.to_string()));
            go_on.wait();
        }
        assert_eq!(first.join().unwrap(), 0);
        for (number, other) in others.into_iter().enumerate() {
            assert_eq!(other.wait().unwrap(), number as u64 + 1);
        }
    });
    let appender = || Some("appender".to_owned());
    let thread = || Some("spool-writer".to_owned());
    assert_eq!(
        *writers.lock().unwrap(),
        [appender(), appender(), appender(), thread(), thread()]
    );
    // Where nobody writes a record is there when its append returns. The thread may still be looking at first.
    let mut expected = 5;
    loop {
        let mut appended = spool.append("x");
        match Pin::new(&mut appended).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => break assert_eq!(answer.unwrap(), expected),
            Poll::Pending => assert_eq!(appended.wait().unwrap(), expected),
        }
        expected += 1;
        assert!(expected < 1_000, "appends are never written by their appender");
    }
    assert_eq!(spool.close().unwrap().view().end_offset(), expected + 1);
}

#[test]
fn a_full_queue_sheds_and_a_closed_one_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let options = SpoolOptions {
        waiting_records_max: 2,
        waiting_bytes_max: 10,
        ..SpoolOptions::default()
    };
    let spool = spool(folder.path(), options);
    let (reached, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (here, held) = (Arc::clone(&reached), Arc::clone(&go_on));
    spool.view().on_append(move |end| {
        if end == 1 {
            here.wait();
            held.wait();
        }
    });
    let first = spool.append("a");
    reached.wait();
    let large = spool.append("eleven long").wait();
    assert!(
        matches!(
            large,
            Err(SpoolError::Overloaded {
                waiting_records: 0,
                ..
            })
        ),
        "{large:?}"
    );
    let waiting = [spool.append("b"), spool.append("c")];
    let many = spool.append("d").wait();
    assert!(
        matches!(
            many,
            Err(SpoolError::Overloaded {
                waiting_records: 2,
                waiting_bytes: 2
            })
        ),
        "{many:?}"
    );
    go_on.wait();
    first.wait().unwrap();
    for waiting in waiting {
        waiting.wait().unwrap();
    }
    let last = spool.append("e");
    let journal = spool.close().unwrap();
    assert_eq!(last.wait().unwrap(), 3, "closing writes what waits");
    assert_eq!(journal.view().end_offset(), 4);
}

#[test]
fn a_full_journal_refuses_what_does_not_fit_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        bytes_max: Some(1000),
        ..Options::default()
    };
    let journal = Journal::open(folder.path(), options).unwrap();
    let spool = SpoolWriter::start(journal, SpoolOptions::default()).unwrap();
    let waiting: Vec<_> = (0..40).map(|_| spool.append([1; 50])).collect();
    let answers: Vec<_> = waiting.into_iter().map(|appended| appended.wait()).collect();
    let stored = answers.iter().filter(|answer| answer.is_ok()).count();
    // Alone a record takes 78 bytes, in a group 54 and a share of the group's head.
    assert!((12..=18).contains(&stored), "{stored}");
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(refused.iter().all(SpoolError::is_full), "{refused:?}");
    let journal = spool.close().unwrap();
    assert_eq!(journal.view().end_offset(), stored as u64);
    assert!(journal.view().bytes_used() <= 1000);
}

#[test]
fn an_answer_is_a_future_that_wakes_its_task() {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path(), SpoolOptions::default());
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    for expected in 0..100 {
        let mut appended = Box::pin(spool.append("x"));
        let offset = loop {
            match appended.as_mut().poll(&mut context) {
                Poll::Ready(answer) => break answer.unwrap(),
                Poll::Pending => thread::park(),
            }
        };
        assert_eq!(offset, expected);
    }
}

const CHILD_FOLDER: &str = "JOURNAL_TEST_CHILD_FOLDER";
/// Set where the child's appenders write themselves.
const CHILD_APPENDERS_WRITE: &str = "JOURNAL_TEST_CHILD_APPENDERS_WRITE";

/// Not a test of its own: the process that the next test kills. It tells every acknowledged offset on its standard
/// output.
#[test]
fn child_that_appends_until_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let options = Options {
        segment_bytes_max: 5000,
        ..Options::default()
    };
    let writing = SpoolOptions {
        appenders_write: std::env::var_os(CHILD_APPENDERS_WRITE).is_some(),
        ..SpoolOptions::default()
    };
    let spool = SpoolWriter::start(Journal::open(folder, options).unwrap(), writing).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let spool = &spool;
            scope.spawn(move || {
                for number in 0_u64.. {
                    let record = format!("{thread}-{number}-{}", "x".repeat(number as usize % 90));
                    let offset = spool.append(record.clone()).wait().unwrap();
                    writeln!(std::io::stdout(), "ack {offset} {record}").unwrap();
                }
            });
        }
    });
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 1..=6 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child_that_appends_until_killed", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped());
        if round % 2 == 0 {
            command.env(CHILD_APPENDERS_WRITE, "");
        }
        let mut child = command.spawn().unwrap();
        let target = acknowledged.len() + 300 * round;
        let mut killed = false;
        // After the kill the pipe still holds what was acknowledged before it.
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let mut words = line.split(' ').skip_while(|word| !word.ends_with("ack")).skip(1);
            if let (Some(offset), Some(record)) = (words.next(), words.next()) {
                acknowledged.push((offset.parse::<u64>().unwrap(), record.to_owned()));
            }
            if acknowledged.len() >= target && !killed {
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed, "the child ended by itself");

        let journal = Journal::open(folder.path(), Options::default()).unwrap();
        let entries = journal.view().reader(0).read(usize::MAX, usize::MAX).unwrap();
        for (offset, record) in &acknowledged {
            let entry = entries.get(*offset as usize);
            assert_eq!(
                entry.map(|entry| &entry.payload[..]),
                Some(record.as_bytes()),
                "offset {offset}"
            );
        }
    }
}
