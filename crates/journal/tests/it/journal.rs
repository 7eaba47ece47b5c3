//! Offsets, readers beside the writer, retention, bounds, the lock, the cursor.

// Also in the helpers, which clippy does not take for test code.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ceteris_journal::{Batch, CursorFile, Entry, Journal, JournalError, Options, SyncMode};

fn narrow() -> Options {
    Options {
        segment_bytes_max: 1000,
        ..Options::default()
    }
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries
        .iter()
        .map(|entry| std::str::from_utf8(&entry.payload).unwrap().parse().unwrap())
        .collect()
}

fn filled(folder: &std::path::Path, count: u64) -> Journal {
    let mut journal = Journal::open(folder, narrow()).unwrap();
    for number in 0..count {
        journal.append(&[number.to_string()]).unwrap();
    }
    journal
}

#[test]
fn a_read_begins_at_any_offset_and_keeps_its_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let journal = filled(folder.path(), 300);
    let reopened = {
        drop(journal);
        Journal::open(folder.path(), narrow()).unwrap()
    };
    let view = reopened.view();
    for start in (0..300).rev() {
        let entries = view.reader(start).read(5, usize::MAX).unwrap();
        assert_eq!(entries[0].offset, start);
        assert!(numbers(&entries).into_iter().eq(start..(start + 5).min(300)));
    }
    assert_eq!(view.reader(300).read(5, 100).unwrap(), []);
    assert!(matches!(
        view.reader(301).read(5, 100),
        Err(JournalError::OffsetOutOfRange {
            wanted: 301,
            first: 0,
            end: 300,
            ..
        })
    ));
    // Payloads here have three bytes: two fit in seven; one comes even if none fits.
    assert_eq!(view.reader(200).read(100, 7).unwrap().len(), 2);
    assert_eq!(view.reader(200).read(100, 0).unwrap().len(), 1);
    let mut reader = view.reader(0);
    reader.read(10, 1000).unwrap();
    reader.seek(150);
    assert_eq!(
        (reader.next_offset(), numbers(&reader.read(1, 1000).unwrap())),
        (150, vec![150])
    );
}

#[test]
fn the_sparse_index_finds_offsets_in_a_large_segment() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), Options::default()).unwrap();
    let padding = "x".repeat(1000);
    for number in 0..3000 {
        journal.append(&[format!("{number:04}{padding}")]).unwrap();
    }
    // Once with the writer's index, once with the one made at open.
    for _ in 0..2 {
        let view = journal.view();
        for start in [0, 1, 62, 63, 64, 65, 1500, 2999] {
            let entry = &view.reader(start).read(1, 1).unwrap()[0];
            assert_eq!(
                (entry.offset, &entry.payload[..4]),
                (start, format!("{start:04}").as_bytes())
            );
        }
        drop(journal);
        journal = Journal::open(folder.path(), Options::default()).unwrap();
    }
}

#[test]
fn readers_beside_the_writer_see_every_record_once_and_whole() {
    const COUNT: u64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), narrow()).unwrap();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let view = journal.view();
            thread::spawn(move || {
                let mut reader = view.reader(0);
                while reader.next_offset() < COUNT {
                    let start = reader.next_offset();
                    let entries = reader.read(64, 1 << 20).unwrap();
                    assert!(numbers(&entries).into_iter().eq(start..reader.next_offset()));
                    if entries.is_empty() {
                        assert!(view.wait_for(reader.next_offset(), Duration::from_secs(30)));
                    }
                }
            })
        })
        .collect();
    let mut next = 0;
    while next < COUNT {
        let batch: Vec<String> = (next..(next + 1 + next % 7).min(COUNT))
            .map(|n| n.to_string())
            .collect();
        next = journal.append(&batch).unwrap().end;
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn retention_drops_whole_segments_from_the_front() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = filled(folder.path(), 300);
    let view = journal.view();
    let mut inside = view.reader(0);
    assert_eq!(inside.read(1, 10).unwrap()[0].offset, 0);
    let used = view.bytes_used();
    assert_eq!(view.delete_before(1).unwrap(), 0);
    let freed = view.delete_before(100).unwrap();
    let first = view.first_offset();
    assert!(first > 50 && first <= 100, "{first}");
    assert_eq!(view.bytes_used(), used - freed);
    // A reader inside a dropped segment finishes what it had read ahead, then is told.
    let mut last = 0;
    let told = loop {
        match inside.read(10, 1000) {
            Ok(entries) => last = entries[entries.len() - 1].offset,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(told, JournalError::OffsetOutOfRange { wanted, .. } if wanted == last + 1),
        "{told}"
    );
    assert!(matches!(
        view.reader(first - 1).read(1, 1),
        Err(JournalError::OffsetOutOfRange { .. })
    ));
    view.delete_before(u64::MAX).unwrap();
    assert!(view.first_offset() < 300, "the segment being written stays");
    assert_eq!(journal.append(&["300"]).unwrap().start, 300);
    let first = view.first_offset();
    drop(journal);
    let journal = Journal::open(folder.path(), narrow()).unwrap();
    assert_eq!(
        (journal.view().first_offset(), journal.view().end_offset()),
        (first, 301)
    );
}

#[test]
fn a_bounded_journal_is_full_until_retention_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        bytes_max: Some(4000),
        ..Options::default()
    };
    let mut journal = Journal::open(folder.path(), options).unwrap();
    let record = [7; 76];
    let refused = loop {
        if let Err(refused) = journal.append(&[record]) {
            break refused;
        }
    };
    let named = matches!(refused, JournalError::Full { used_bytes, limit_bytes: 4000, wanted_bytes: 104, .. }
        if used_bytes <= 4000 && used_bytes > 4000 - 104);
    assert!(named, "{refused}");
    let view = journal.view();
    let end = view.end_offset();
    assert_eq!(end, 38);
    assert!(
        view.delete_before(end).unwrap() >= 2900,
        "three of four quarters are freed"
    );
    assert_eq!(journal.append(&[record]).unwrap(), end..end + 1);
    drop(journal);
    assert!(Journal::open(folder.path(), options).unwrap().view().bytes_used() < 1200);
}

#[test]
fn a_second_writer_is_told_who_holds_the_folder_and_a_peek_is_not_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = filled(folder.path(), 3);
    let error = Journal::open(folder.path(), narrow()).unwrap_err();
    let holder = format!("process {}", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    let peeked = Journal::peek(folder.path()).unwrap();
    journal.append(&["3"]).unwrap();
    assert_eq!(numbers(&peeked.reader(0).read(10, 100).unwrap()), [0, 1, 2]);
    assert!(matches!(
        peeked.delete_before(3),
        Err(JournalError::ReadOnly { .. })
    ));
    drop(journal);
    Journal::open(folder.path(), narrow()).unwrap();
}

#[test]
fn every_append_is_told_to_watchers_and_an_empty_one_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), narrow()).unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&told);
    journal
        .view()
        .on_append(move |end| heard.store(end, Ordering::SeqCst));
    assert_eq!(journal.append::<&str>(&[]).unwrap(), 0..0);
    assert_eq!(journal.append_batch(&mut Batch::new()).unwrap(), 0..0);
    assert_eq!((journal.view().bytes_used(), told.load(Ordering::SeqCst)), (0, 0));
    let mut batch = Batch::new();
    batch.push(b"0");
    batch.push_with(|out| out.push(b'1'));
    assert_eq!(journal.append_batch(&mut batch).unwrap(), 0..2);
    assert!(batch.is_empty());
    assert_eq!(told.load(Ordering::SeqCst), 2);
    assert!(journal.view().wait_for(1, Duration::ZERO));
    assert!(!journal.view().wait_for(2, Duration::ZERO));
}

#[test]
fn a_cursor_keeps_its_place_and_refuses_a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cursor");
    for sync in [SyncMode::Os, SyncMode::Disk] {
        let mut cursor = CursorFile::open(&path, sync).unwrap();
        for next in [0, 7, u64::MAX] {
            cursor.set(next).unwrap();
            assert_eq!(CursorFile::open(&path, sync).unwrap().get(), Some(next));
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(CursorFile::open(&path, sync).unwrap().get(), None);
    }
    for text in ["", "12", "12 00000000\n", "x 0\n"] {
        std::fs::write(&path, text).unwrap();
        assert!(
            matches!(
                CursorFile::open(&path, SyncMode::Os),
                Err(JournalError::BadCursor { .. })
            ),
            "{text:?}"
        );
    }
}
