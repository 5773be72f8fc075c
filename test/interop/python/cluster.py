"""The running services as a Kafka client sees them: topics to write to and to read from."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer

Headers = list[tuple[str, bytes]]
ANSWER_SECONDS = 120


@dataclass(frozen=True)
class Received:
    key: str
    value: bytes
    headers: dict[str, bytes]
    partition: int
    offset: int


class Cluster:
    def __init__(self, brokers: str, prefix: str) -> None:
        self._brokers = brokers
        self._prefix = prefix

    def topic(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def send(
        self,
        name: str,
        records: list[tuple[str, bytes]],
        partitioner: str | None = None,
        compression: str = "none",
    ) -> None:
        """Without a partitioner: that of librdkafka, which is not the one that Kafka's own client has."""
        settings = {"bootstrap.servers": self._brokers, "enable.idempotence": True, "compression.type": compression}
        if partitioner is not None:
            settings["partitioner"] = partitioner
        producer = Producer(settings)
        failures: list[KafkaError] = []
        for key, value in records:
            producer.produce(
                self.topic(name), key=key, value=value, on_delivery=lambda error, _: error and failures.append(error)
            )
        assert producer.flush(60) == 0
        assert failures == []

    def read_until(self, name: str, enough: Callable[[list[Received]], bool]) -> list[Received]:
        """Reads a topic from its beginning, committed records only, until there is enough."""
        group = f"interop-{uuid.uuid4()}"
        consumer = Consumer(
            {
                "bootstrap.servers": self._brokers,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        try:
            consumer.subscribe([self.topic(name)])
            return _collect(consumer, enough, self.topic(name))
        finally:
            consumer.close()


def _collect(consumer: Consumer, enough: Callable[[list[Received]], bool], topic: str) -> list[Received]:
    received: list[Received] = []
    deadline = time.monotonic() + ANSWER_SECONDS
    while not enough(received):
        assert time.monotonic() < deadline, f"{topic}: only {len(received)} records came, and not what was expected"
        for message in consumer.consume(500, timeout=0.5):
            assert message.error() is None, message.error()
            if message.value() is not None:
                received.append(_received(message))
    return received


def _received(message: Message) -> Received:
    headers: Any = message.headers() or []
    return Received(
        key=message.key().decode(),
        value=message.value(),
        headers=dict(headers),
        partition=message.partition(),
        offset=message.offset(),
    )
