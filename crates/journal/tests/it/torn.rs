//! Whatever is missing at the end of the last segment, every batch written whole survives and nothing else appears;
//! damage anywhere else is refused by name.

// Also in the helpers, which clippy does not take for test code.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use ceteris_journal::{Entry, Journal, JournalError, JournalView, Options, SyncMode};
use proptest::prelude::*;

fn options(segment_bytes_max: u64) -> Options {
    Options {
        segment_bytes_max,
        ..Options::default()
    }
}

fn all(view: &JournalView) -> Result<Vec<Entry>, JournalError> {
    let mut reader = view.reader(view.first_offset());
    let mut entries = Vec::new();
    loop {
        let more = reader.read(7, 64)?;
        if more.is_empty() {
            return Ok(entries);
        }
        entries.extend(more);
    }
}

fn payloads(view: &JournalView) -> Vec<Vec<u8>> {
    let entries = all(view).unwrap();
    let first = view.first_offset();
    assert!(
        entries
            .iter()
            .map(|entry| entry.offset)
            .eq(first..view.end_offset())
    );
    entries.into_iter().map(|entry| entry.payload.to_vec()).collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect();
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in segments(from) {
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn cut_at_every_byte_the_whole_batches_survive(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..4), 1..6),
        segment_bytes_max in prop_oneof![Just(60_u64), Just(150), Just(1 << 20)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        // Length of the last segment and number of records after each batch.
        let mut extents = Vec::new();
        let mut journal = Journal::open(&whole, options(segment_bytes_max)).unwrap();
        for batch in &batches {
            let offsets = journal.append(batch).unwrap();
            let last = segments(&whole).pop().unwrap();
            extents.push((last.clone(), fs::metadata(last).unwrap().len(), offsets.end as usize));
        }
        drop(journal);
        let records: Vec<Vec<u8>> = batches.concat();
        let (last, length, _) = extents.last().cloned().unwrap();
        let before = extents.iter().rev().find(|(path, ..)| *path != last).map_or(0, |extent| extent.2);

        for cut in 0..=length {
            let torn = folder.path().join("torn");
            copy(&whole, &torn);
            let file = fs::File::options().write(true).open(torn.join(last.file_name().unwrap())).unwrap();
            file.set_len(cut).unwrap();
            let kept = extents.iter().filter(|(path, end, _)| *path == last && *end <= cut).map(|extent| extent.2);
            let kept = kept.max().unwrap_or(before);

            let peeked = Journal::peek(&torn).unwrap();
            prop_assert_eq!(payloads(&peeked), &records[..kept]);
            let mut journal = Journal::open(&torn, options(segment_bytes_max)).unwrap();
            prop_assert_eq!(payloads(&journal.view()), &records[..kept]);
            prop_assert_eq!(journal.append(&["next"]).unwrap(), kept as u64..kept as u64 + 1);
            drop(journal);
            let journal = Journal::open(&torn, options(segment_bytes_max)).unwrap();
            prop_assert_eq!(journal.cut(), None);
            let read = payloads(&journal.view());
            prop_assert_eq!(&read[..kept], &records[..kept]);
            prop_assert_eq!(&read[kept..], &[b"next".to_vec()]);
            drop(journal);
            fs::remove_dir_all(&torn).unwrap();
        }
    }

    #[test]
    fn a_tail_of_garbage_is_cut(garbage in prop::collection::vec(any::<u8>(), 1..200)) {
        let folder = tempfile::tempdir().unwrap();
        Journal::open(folder.path(), options(1 << 20)).unwrap().append(&["kept"]).unwrap();
        let path = segments(folder.path()).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        let length = bytes.len() as u64;
        bytes.extend_from_slice(&garbage);
        fs::write(&path, bytes).unwrap();
        let journal = Journal::open(folder.path(), options(1 << 20)).unwrap();
        let cut = journal.cut().unwrap();
        prop_assert_eq!((cut.position, cut.bytes), (length, garbage.len() as u64));
        prop_assert_eq!(payloads(&journal.view()), [b"kept".to_vec()]);
        prop_assert_eq!(fs::metadata(&path).unwrap().len(), length);
    }

    #[test]
    fn a_flipped_bit_is_damage_by_name_unless_it_is_in_the_last_batch(at in 0_usize..10_000, bit in 0..8) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), options(100)).unwrap();
        for number in 0..8 {
            journal.append(&[format!("record-{number}")]).unwrap();
        }
        drop(journal);
        let paths = segments(folder.path());
        prop_assert!(paths.len() > 3);
        let sizes: Vec<usize> = paths.iter().map(|path| fs::metadata(path).unwrap().len() as usize).collect();
        let mut at = at % sizes.iter().sum::<usize>();
        let hit = sizes.iter().position(|&size| { let inside = at < size; if !inside { at -= size; } inside }).unwrap();
        let mut bytes = fs::read(&paths[hit]).unwrap();
        bytes[at] ^= 1_u8 << bit;
        fs::write(&paths[hit], &bytes).unwrap();

        // Each batch here takes 36 bytes.
        let (damaged_batch, last_batch) = (at / 36, sizes[hit] / 36 - 1);
        let opened = Journal::open(folder.path(), options(100));
        if hit == paths.len() - 1 && damaged_batch == last_batch {
            let journal = opened.unwrap();
            prop_assert_eq!(journal.cut().unwrap().bytes, 36);
            prop_assert_eq!(payloads(&journal.view()).len(), 7);
            return Ok(());
        }
        let error = match opened {
            Ok(journal) => all(&journal.view()).unwrap_err(),
            Err(error) => error,
        };
        let named = matches!(&error, JournalError::Corrupt { file, position, .. }
            if *file == paths[hit] && *position == damaged_batch as u64 * 36);
        prop_assert!(named, "{error}: hit {} at {at}", paths[hit].display());
    }
}

#[test]
fn damage_before_a_sound_batch_of_the_last_segment_is_not_taken_for_a_torn_tail() {
    // In the length, where the next batch can no longer be reckoned, and in the body, where it can; with a torn tail
    // behind, too.
    for (at, torn) in [(36 + 20, 0), (36 + 23, 7), (36 + 30, 0), (36 + 30, 35)] {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), options(1 << 20)).unwrap();
        for number in 0..4 {
            journal.append(&[format!("record-{number}")]).unwrap();
        }
        drop(journal);
        let path = segments(folder.path()).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 0x40;
        bytes.truncate(bytes.len() - torn);
        fs::write(&path, &bytes).unwrap();
        let error = Journal::open(folder.path(), options(1 << 20)).unwrap_err();
        let named =
            matches!(&error, JournalError::Corrupt { file, position: 36, offset: 1 } if *file == path);
        assert!(named, "byte {at}: {error}");
        assert_eq!(
            fs::read(&path).unwrap(),
            bytes,
            "a refused journal is left as it was"
        );
    }
}

#[test]
fn an_older_segment_that_lost_its_end_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), options(100)).unwrap();
    for number in 0..9 {
        journal.append(&[format!("record-{number}")]).unwrap();
    }
    drop(journal);
    let first = segments(folder.path()).remove(0);
    fs::File::options()
        .write(true)
        .open(&first)
        .unwrap()
        .set_len(36)
        .unwrap();
    let journal = Journal::open(folder.path(), options(100)).unwrap();
    let error = all(&journal.view()).unwrap_err();
    assert!(
        matches!(&error, JournalError::Corrupt { file, position: 36, offset: 1 } if *file == first),
        "{error}"
    );
    assert_eq!(
        journal.view().reader(3).read(10, 100).unwrap()[0].payload,
        "record-3"
    );
}

#[test]
fn durable_to_the_disk_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Options {
        sync: SyncMode::Disk,
        ..options(100)
    };
    let mut journal = Journal::open(folder.path(), disk).unwrap();
    for number in 0..9 {
        journal.append(&[format!("record-{number}")]).unwrap();
    }
    drop(journal);
    let read = payloads(&Journal::open(folder.path(), disk).unwrap().view());
    assert_eq!(
        read,
        (0..9)
            .map(|number| format!("record-{number}").into_bytes())
            .collect::<Vec<_>>()
    );
}
