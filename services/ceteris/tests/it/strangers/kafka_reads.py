"""Reads causal_decisions with confluent-kafka and prints what it saw as JSON."""

import json
import os
import sys

from confluent_kafka import Consumer, TopicPartition

count = int(sys.argv[1])
consumer = Consumer(
    {
        "bootstrap.servers": os.environ["CETERIS__KAFKA__BOOTSTRAP_SERVERS"],
        "group.id": "a-stranger",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    }
)
partitions = consumer.list_topics("causal_decisions", timeout=30).topics["causal_decisions"].partitions
consumer.assign([TopicPartition("causal_decisions", partition, 0) for partition in partitions])
ids, headers, misplaced = [], set(), 0
while len(ids) < count:
    message = consumer.poll(30)
    if message is None:
        sys.exit(f"only {len(ids)} of {count} decisions came")
    if message.error():
        sys.exit(str(message.error()))
    record = json.loads(message.value())
    given = dict(message.headers())
    headers |= set(given)
    ids.append(record["decision_id"])
    misplaced += given["ce_id"].decode() != record["decision_id"] or not message.key()
print(json.dumps({"ids": sorted(ids), "headers": sorted(headers), "misplaced": misplaced, "partitions": len(partitions)}))
