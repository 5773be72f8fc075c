"""
Reads whole topics with librdkafka, committed records only, and prints what a check of them needs, a JSON object a line. It shares no
code with the product: Avro is decoded by fastavro from the .avsc files, and the digest of an example is worked out anew.

Standard input: {"brokers", "schemas": folder, "topics": [{"name", "as", "schema"}]}. Each topic ends with a line of its own that counts.
"""

import hashlib
import io
import json
import struct
import sys
from pathlib import Path
from typing import Any

import fastavro
from committed import ends_of, open_consumer, read_topic
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

Record = dict[str, Any]
SOURCE = ("headwater.source.topic", "headwater.source.partition", "headwater.source.offset")
FAILED = ("__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset")
REASON = ("__connect.errors.exception.class.name", "__connect.errors.exception.message")


class Decoder:
    def __init__(self, folder: Path, name: str) -> None:
        self._schema = fastavro.parse_schema(json.loads((folder / f"{name}.avsc").read_text()))

    def decode(self, value: bytes) -> Record:
        if value[0] != 0:
            raise SystemExit("a record is not in the wire format")
        body = io.BytesIO(value[5:])
        record = fastavro.schemaless_reader(body, self._schema, None)
        if body.read() != b"":
            raise SystemExit("a record is longer than its schema says")
        return record


def text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<I", len(encoded)) + encoded


def example_digest(example: Record) -> str:
    """As schemas and heads define it: the digests of a set's examples add up, modulo 2^256, to the set digest."""
    vector = example["vector"]
    group = example["group"]
    parts = [text("headwater-example.v1")]
    parts += [text(example[name]) for name in ("extractor", "task", "imageId", "label")]
    parts.append(b"\0" if group is None else b"\1" + text(group))
    parts.append(struct.pack("<I", len(vector) // 2) + vector)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def millis(value: Any) -> int:
    return round(value.timestamp() * 1000) if hasattr(value, "timestamp") else int(value)


def facts_of(kind: str, record: Record) -> Record:
    if kind == "images":
        return {"imageId": record["id"], "labels": record["labels"]}
    if kind == "labels":
        kept = {name: record[name] for name in ("imageId", "task", "label", "annotator")}
        return {**kept, "assignedAt": millis(record["assignedAt"])}
    if kind == "vectors":
        return {"imageId": record["imageId"], "isZero": not any(record["vector"])}
    if kind == "predictions":
        head = record["head"]
        kept = {name: record[name] for name in ("imageId", "task", "label")}
        return {**kept, "head": None if head is None else {"version": head["version"], "digest": head["digest"]}}
    if kind == "examples":
        kept = {name: record[name] for name in ("imageId", "task", "label")}
        return {**kept, "digest": None if record["label"] is None else example_digest(record)}
    if kind == "heads":
        names = ("task", "kind", "version", "digest", "setDigest", "watermark", "mode", "examples")
        return {name: record[name] for name in names}
    raise SystemExit(f"nothing is known of {kind}")


def place_in(headers: dict[str, bytes], names: tuple[str, str, str]) -> str | None:
    return "/".join(headers[name].decode() for name in names) if names[0] in headers else None


def describe(message: Message, kind: str, decoder: Decoder | None) -> Record:
    headers = dict(message.headers() or [])
    line: Record = {
        "topic": kind,
        "place": f"{message.topic()}/{message.partition()}/{message.offset()}",
        "key": None if message.key() is None else message.key().decode(),
        "source": place_in(headers, SOURCE),
    }
    if decoder is None:
        reasons = [headers.get(name, b"").decode() for name in REASON]
        return {**line, "source": place_in(headers, FAILED), "reason": ": ".join(reasons)}
    value = message.value()
    return {**line, "value": None if value is None else facts_of(kind, decoder.decode(value))}


def main() -> None:
    order = json.load(sys.stdin)
    client = {"bootstrap.servers": order["brokers"]}
    admin = AdminClient(client)
    consumer = open_consumer(client)
    known = admin.list_topics(timeout=30).topics
    for topic in order["topics"]:
        name, kind, schema = topic["name"], topic["as"], topic["schema"]
        decoder = None if schema is None else Decoder(Path(order["schemas"]), schema)
        count = 0
        if name in known:
            for message in read_topic(consumer, name, ends_of(admin, name, len(known[name].partitions))):
                print(json.dumps(describe(message, kind, decoder)))
                count += 1
        print(json.dumps({"topic": kind, "end": name, "records": count}))
    consumer.close()


main()
