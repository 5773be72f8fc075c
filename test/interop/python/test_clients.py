"""
A client that is not ours, in another language: it sends images and labels through Kafka and reads what comes of them. The steps build
on each other, as they would for a user: first images, then labels, then images again, which a head answers.
"""

import math
import struct
import time
import uuid
from dataclasses import dataclass, field

import pytest
from cluster import Cluster, Received
from confluent_kafka.schema_registry import SchemaRegistryClient
from formats import Format

EXTRACTOR = "lenet-digits.v1"
LABELLED = 100
"""Kafka's own partitioner, and librdkafka's default, whose labels reach the join in the wrong partition."""
PARTITIONERS = ["murmur2_random", None]
COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"]


@dataclass
class Story:
    """What was sent, by image id: the label that is right."""

    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    labelled: dict[str, str] = field(default_factory=dict)
    later: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


def image(form: Format, cluster: Cluster, image_id: str, content: bytes) -> tuple[str, bytes]:
    record = {
        "id": image_id,
        "source": "interop",
        "receivedAt": int(time.time() * 1000),
        "mediaType": "image/png",
        "width": 28,
        "height": 28,
        "content": content,
        "attributes": {"camera": "left", "note": "worth compressing " * 50},
        "labels": {},
        "group": None,
    }
    return image_id, form.encode("ImageReceived", cluster.topic("images"), record)


def label(form: Format, cluster: Cluster, image_id: str, answer: str) -> tuple[str, bytes]:
    record = {
        "imageId": image_id,
        "task": "digit",
        "label": answer,
        "assignedAt": int(time.time() * 1000),
        "annotator": "interop",
    }
    return image_id, form.encode("LabelAssigned", cluster.topic("labels"), record)


def send_in_every_way(cluster: Cluster, topic: str, records: list[tuple[str, bytes]]) -> None:
    ways = [(partitioner, compression) for partitioner in PARTITIONERS for compression in COMPRESSIONS]
    for start, (partitioner, compression) in enumerate(ways):
        cluster.send(topic, records[start :: len(ways)], partitioner, compression)


def predictions_of(cluster: Cluster, form: Format, ids: set[str]) -> list[tuple[Received, dict]]:
    def of_ids(records: list[Received]) -> list[Received]:
        return [record for record in records if record.key in ids]

    records = cluster.read_until("predictions", lambda seen: {r.key for r in of_ids(seen)} == ids)
    topic = cluster.topic("predictions")
    return [(record, form.decode("ImageClassified", topic, record.value)) for record in of_ids(records)]


def test_every_image_gets_a_prediction(cluster, form, digits, story):
    story.labelled = {f"{story.run}-{i}": answer for i, (_, answer) in enumerate(digits[:LABELLED])}
    contents = [content for content, _ in digits[:LABELLED]]
    records = [image(form, cluster, i, content) for i, content in zip(story.labelled, contents)]
    send_in_every_way(cluster, "images", records)
    predictions = predictions_of(cluster, form, set(story.labelled))
    for record, prediction in predictions:
        assert prediction["imageId"] == record.key
        assert (prediction["task"], prediction["extractor"]) == ("digit", EXTRACTOR)
        assert (prediction["head"], prediction["label"]) == (None, None)
        assert prediction["predictedAt"] >= prediction["receivedAt"]


def test_vectors_are_what_their_schema_says(cluster, form, story):
    topic = f"vectors.{EXTRACTOR}"
    ids = set(story.labelled)
    records = cluster.read_until(topic, lambda seen: {r.key for r in seen} >= ids)
    name = f"vectors/{EXTRACTOR}"
    for record in (r for r in records if r.key in ids):
        extracted = form.decode(name, cluster.topic(topic), record.value)
        assert extracted["imageId"] == record.key
        assert len(extracted["vector"]) == 4 * 800
        vector = struct.unpack("<800f", extracted["vector"])
        assert all(math.isfinite(value) for value in vector) and any(vector)


def test_labels_count_whatever_the_partitioner(cluster, form, story):
    send_in_every_way(cluster, "labels", [label(form, cluster, i, answer) for i, answer in story.labelled.items()])
    topic = cluster.topic("heads")

    def settled(records: list[Received]) -> list[dict]:
        heads = [form.decode("HeadTrained", topic, record.value) for record in records]
        return [head for head in heads if head["mode"] == "settled" and head["examples"] == LABELLED]

    records = cluster.read_until("heads", lambda seen: settled(seen) != [])
    head = settled(records)[-1]
    assert (head["extractor"], head["task"], head["dimensions"]) == (EXTRACTOR, "digit", 800)
    assert head["classes"] == sorted(set(story.labelled.values()))


def test_labels_of_another_partitioner_are_forwarded_once(cluster, story):
    def forwarded(records: list[Received]) -> list[str]:
        return [record.key for record in records if "headwater.forwarded" in record.headers]

    def places(records: list[Received], key: str) -> list[int]:
        return [record.partition for record in records if record.key == key]

    def complete(records: list[Received]) -> bool:
        moved = forwarded(records)
        return {r.key for r in records} >= set(story.labelled) and all(len(places(records, key)) > 1 for key in moved)

    labels = cluster.read_until("labels", complete)
    moved = forwarded(labels)
    assert 0 < len(moved) == len(set(moved)) <= LABELLED / 2
    assert all(len(set(places(labels, key))) == 2 for key in moved)


DAMAGED = {
    "cut-short": ("avro-invalid", lambda valid: valid[:-3]),
    "one-byte-more": ("avro-invalid", lambda valid: valid + b"\0"),
    "unknown-schema": ("schema-unknown", lambda valid: valid[:1] + struct.pack(">I", 987_654) + valid[5:]),
    "no-wire-format": ("wire-format-invalid", lambda _: b'{"id":"x"}'),
    "empty": ("record-empty", lambda _: b""),
}


def test_damaged_records_are_dead_letters_and_their_neighbours_go_through(cluster, form, digits, story):
    damaged = {f"{name}-{story.run}": (code, damage) for name, (code, damage) in DAMAGED.items()}
    sent = {i: damage(image(form, cluster, i, digits[0][0])[1]) for i, (_, damage) in damaged.items()}
    story.later = {f"{story.run}-later-{i}": answer for i, (_, answer) in enumerate(digits[LABELLED:])}
    contents = [content for content, _ in digits[LABELLED:]]
    neighbours = [image(form, cluster, i, content) for i, content in zip(story.later, contents)]
    cluster.send("images", neighbours[:30] + list(sent.items()) + neighbours[30:])
    letters = cluster.read_until("images-dlt", lambda seen: {r.key for r in seen} >= set(damaged))
    for letter in (r for r in letters if r.key in damaged):
        assert letter.value == sent[letter.key]
        assert letter.headers["__connect.errors.topic"].decode() == cluster.topic("images")
        assert letter.headers["__connect.errors.exception.class.name"].decode() == damaged[letter.key][0]
    assert {letter.key for letter in letters} == set(damaged)


def test_a_head_answers_images_that_come_after_it(cluster, form, story):
    predictions = predictions_of(cluster, form, set(story.later))
    right = 0
    for record, prediction in predictions:
        assert prediction["head"]["kind"] == "lda"
        assert math.isclose(sum(prediction["probabilities"].values()), 1, abs_tol=1e-6)
        assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
        right += prediction["label"] == story.later[record.key]
    assert right / len(predictions) >= 0.8


def test_no_prediction_is_there_twice(cluster, form, story):
    ids = set(story.labelled) | set(story.later)
    predictions = predictions_of(cluster, form, ids)
    assert len(predictions) == len(ids)


def test_ingest_serves_schemas_to_any_client(cluster, ingest_url, schemas):
    record = cluster.read_until("predictions", lambda seen: len(seen) > 0)[0]
    schema_id = struct.unpack(">I", record.value[1:5])[0]
    served = SchemaRegistryClient({"url": ingest_url}).get_schema(schema_id)
    assert served.schema_type == "AVRO"
    assert "ImageClassified" in served.schema_str
