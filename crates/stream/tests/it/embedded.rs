//! What only the embedded log promises: it survives a killed process, keeps others out, and drops old segments.

// Also in the helpers, which clippy does not take for test code.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use ceteris_stream::{
    Disposition, EmbeddedLog, EmbeddedOptions, EventLog, HasDisposition, Message, NewRecord, StreamError,
    dead_letter, dead_letter_topic,
};

fn open(folder: &std::path::Path) -> EmbeddedLog {
    let options = EmbeddedOptions {
        segment_bytes_max: 20_000,
        ..EmbeddedOptions::default()
    };
    EmbeddedLog::open_with(folder, Arc::new(|| 5), options).unwrap()
}

#[tokio::test]
async fn the_clock_is_the_callers() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create_topic("t", 1).await.unwrap();
    log.produce("t", vec![NewRecord::unkeyed("a"), NewRecord::unkeyed("b").at(-3)])
        .await
        .unwrap();
    let mut member = log.subscribe("t", "g").await.unwrap();
    assert_eq!(member.next().await.unwrap(), Message::Assigned(vec![0]));
    let Message::Records(records) = member.next().await.unwrap() else {
        panic!("no records")
    };
    assert_eq!(
        records
            .iter()
            .map(|record| record.timestamp_us)
            .collect::<Vec<_>>(),
        [5, -3]
    );
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create_topic("b", 1).await.unwrap();
    log.create_topic("a", 1).await.unwrap();
    let error = EmbeddedLog::open(folder.path(), Arc::new(|| 0)).unwrap_err();
    assert!(matches!(error, StreamError::Open(_)), "{error}");
    assert_eq!(error.disposition(), Disposition::Retry);
    drop(log);
    assert_eq!(open(folder.path()).topics(), ["a", "b"]);
}

#[tokio::test]
async fn a_consumer_overtaken_by_retention_goes_on_at_the_oldest_record() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create_topic("t", 1).await.unwrap();
    for _ in 0..100 {
        log.produce("t", vec![NewRecord::unkeyed(vec![7; 1000])])
            .await
            .unwrap();
    }
    let mut waiting = log.subscribe("t", "waiting").await.unwrap();
    assert_eq!(waiting.next().await.unwrap(), Message::Assigned(vec![0]));
    assert_eq!(log.first_offsets("t").await.unwrap(), [0]);
    assert!(log.delete_before("t", 0, 50).unwrap() > 0);
    let Message::Records(records) = waiting.next().await.unwrap() else {
        panic!("no records")
    };
    let first = records[0].offset;
    assert!(first > 20 && first <= 50, "{first}");
    assert_eq!(log.first_offsets("t").await.unwrap(), [first]);
    waiting.seek(0, 0).unwrap();
    let Message::Records(again) = waiting.next().await.unwrap() else {
        panic!("no records")
    };
    assert_eq!(again[0].offset, first);
    let mut late = log.subscribe("t", "late").await.unwrap();
    assert_eq!(late.next().await.unwrap(), Message::Assigned(vec![0]));
    let Message::Records(records) = late.next().await.unwrap() else {
        panic!("no records")
    };
    assert_eq!(records[0].offset, first);
    assert!(matches!(
        log.delete_before("t", 1, 0),
        Err(StreamError::UnknownPartition { .. })
    ));
}

#[tokio::test]
async fn a_position_beyond_the_end_halts_instead_of_waiting_for_other_records() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create_topic("t", 1).await.unwrap();
    let mut member = log.subscribe("t", "g").await.unwrap();
    member.next().await.unwrap();
    member.seek(0, 1).unwrap();
    let error = member.next().await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Halt, "{error}");
}

#[tokio::test]
async fn a_folder_without_description_is_a_topic_not_yet_made_and_a_wrong_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create_topic("t", 2).await.unwrap();
    drop(log);
    let description = folder.path().join("topics/t/topic.json");
    std::fs::remove_file(&description).unwrap();
    let log = open(folder.path());
    assert!(log.topics().is_empty());
    log.create_topic("t", 3).await.unwrap();
    drop(log);
    assert_eq!(open(folder.path()).partitions("t").await.unwrap(), 3);
    std::fs::write(&description, r#"{"format":2,"partitions":3}"#).unwrap();
    let error = EmbeddedLog::open(folder.path(), Arc::new(|| 0)).unwrap_err();
    assert!(
        matches!(&error, StreamError::BadTopicFile { path } if *path == description),
        "{error}"
    );
}

#[tokio::test]
async fn a_dead_letter_keeps_the_record_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.create_topic("t", 2).await.unwrap();
    log.produce("t", vec![NewRecord::keyed("k", "bad").header("h", "v").on(1)])
        .await
        .unwrap();
    let mut member = log.subscribe("t", "g").await.unwrap();
    member.next().await.unwrap();
    let records = loop {
        if let Message::Records(records) = member.next().await.unwrap() {
            break records;
        }
    };
    let letter = dead_letter(&records[0], "bad_json", "line 1");
    assert_eq!(
        (&letter.key, &letter.payload),
        (&records[0].key, &records[0].payload)
    );
    let values: Vec<_> = letter.headers.iter().map(|(_, value)| &value[..]).collect();
    assert_eq!(values, [&b"v"[..], b"bad_json", b"line 1", b"t/1/0"]);
    let topic = dead_letter_topic(&log, "t", "g").await.unwrap();
    assert_eq!(
        (topic.as_str(), log.partitions(&topic).await.unwrap()),
        ("t.g.dlq", 2)
    );
}

const CHILD_FOLDER: &str = "STREAM_TEST_CHILD_FOLDER";

/// Not a test of its own: the process that the next test kills. It produces, consumes and commits, and tells what was
/// acknowledged on its standard output.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_produces_until_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let log = Arc::new(open(folder.as_ref()));
    log.create_topic("t", 3).await.unwrap();
    let consumer = Arc::clone(&log);
    tokio::spawn(async move {
        let mut member = consumer.subscribe("t", "g").await.unwrap();
        loop {
            if let Message::Records(records) = member.next().await.unwrap() {
                for record in records {
                    let next = record.offset + 1;
                    member.commit(record.partition, next).await.unwrap();
                    writeln!(std::io::stdout(), "committed {} {next}", record.partition).unwrap();
                }
            }
        }
    });
    for number in 0_u64.. {
        let records = (0..5).map(|part| NewRecord::keyed(format!("{number}"), format!("{number}-{part}")));
        let places = log.produce("t", records.collect()).await.unwrap();
        for (part, (partition, offset)) in places.into_iter().enumerate() {
            writeln!(std::io::stdout(), "produced {partition} {offset} {number}-{part}").unwrap();
        }
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut produced, mut committed) = (Vec::new(), [0; 3]);
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_produces_until_killed", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let target = produced.len() + 400 * round;
        let mut killed = false;
        // After the kill the pipe still holds what was acknowledged before it.
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split(' ').skip_while(|word| !word.ends_with("ed")).collect();
            match words[..] {
                ["produced", partition, offset, payload] => produced.push((
                    partition.parse::<u32>().unwrap(),
                    offset.parse::<u64>().unwrap(),
                    payload.to_owned(),
                )),
                ["committed", partition, next] => {
                    committed[partition.parse::<usize>().unwrap()] = next.parse().unwrap();
                }
                _ => {}
            }
            if produced.len() >= target && !killed {
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed, "the child ended by itself");
        check(folder.path(), &produced, committed).await;
    }
}

async fn check(folder: &std::path::Path, produced: &[(u32, u64, String)], committed: [u64; 3]) {
    let log = open(folder);
    let ends = log.end_offsets("t").await.unwrap();
    let mut member = log.subscribe("t", "g").await.unwrap();
    assert_eq!(member.next().await.unwrap(), Message::Assigned(vec![0, 1, 2]));
    for partition in 0..3 {
        let stored = member.committed(partition).await.unwrap().unwrap_or(0);
        assert!(stored >= committed[partition as usize] && stored <= ends[partition as usize]);
        member.seek(partition, 0).unwrap();
    }
    let mut found = std::collections::BTreeMap::new();
    while (found.len() as u64) < ends.iter().sum() {
        if let Message::Records(records) = member.next().await.unwrap() {
            found.extend(
                records
                    .into_iter()
                    .map(|record| ((record.partition, record.offset), record.payload)),
            );
        }
    }
    for (partition, offset, payload) in produced {
        let there = found.get(&(*partition, *offset));
        assert_eq!(
            there.map(|bytes| &bytes[..]),
            Some(payload.as_bytes()),
            "{partition} {offset}"
        );
    }
}
