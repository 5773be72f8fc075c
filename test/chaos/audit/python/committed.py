"""Committed records of whole topics by librdkafka: what every check of a trial reads with."""

import time
from typing import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

PATIENCE_SECONDS = 90


def open_consumer(client: dict[str, str]) -> Consumer:
    """Commits nothing, and is told of the end of each partition."""
    return Consumer(
        {
            **client,
            "group.id": "headwater-chaos-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "check.crcs": True,
        }
    )


def ends_of(admin: AdminClient, topic: str, count: int) -> dict[int, int]:
    """The ends of the log itself: past records of transactions that are still open, too."""
    wanted = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(count)}
    answers = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=30)
    return {place.partition: answer.result().offset for place, answer in answers.items()}


def read_topic(consumer: Consumer, topic: str, ends: dict[int, int]) -> Iterator[Message]:
    """All partitions to their ends, each in its order; fails where a transaction stays open before the end."""
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
    deadline = time.monotonic() + PATIENCE_SECONDS
    positions = dict.fromkeys(ends, 0)
    while any(positions[partition] < end for partition, end in ends.items()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{topic}: committed records end at {positions} of {ends}: a transaction is open")
        for message in consumer.consume(500, timeout=0.05):
            error = message.error()
            partition = message.partition()
            if error is None:
                positions[partition] = message.offset() + 1
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                positions[partition] = max(positions[partition], message.offset())
            else:
                raise SystemExit(f"{topic}/{partition}: {error}")
