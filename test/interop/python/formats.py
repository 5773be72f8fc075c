"""Two ways in which a client that is not ours may know the schemas: from the folder, or from a registry."""

import io
import json
import struct
from pathlib import Path
from typing import Any, Protocol

import fastavro
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

Record = dict[str, Any]


class Format(Protocol):
    def encode(self, name: str, topic: str, record: Record) -> bytes: ...

    def decode(self, name: str, topic: str, value: bytes) -> Record: ...


def schema_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.avsc"


def derived_id(schema: Record) -> int:
    """The id of a schema where there is no registry: 2^30 + the first 30 bits of the SHA-256 of its canonical form."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    digest = bytes.fromhex(fastavro.schema.fingerprint(canonical, "sha256"))
    return 2**30 + (struct.unpack(">I", digest[:4])[0] >> 2)


class FolderFormat:
    """fastavro, the .avsc files, and ids that are worked out from them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _schema(self, name: str) -> Record:
        return json.loads(schema_file(self._folder, name).read_text())

    def encode(self, name: str, topic: str, record: Record) -> bytes:
        schema = self._schema(name)
        body = io.BytesIO()
        fastavro.schemaless_writer(body, fastavro.parse_schema(schema), record)
        return struct.pack(">bI", 0, derived_id(schema)) + body.getvalue()

    def decode(self, name: str, topic: str, value: bytes) -> Record:
        schema = self._schema(name)
        assert struct.unpack(">bI", value[:5]) == (0, derived_id(schema))
        body = io.BytesIO(value[5:])
        record = fastavro.schemaless_reader(body, fastavro.parse_schema(schema), None)
        assert body.read() == b""
        return record


class RegistryFormat:
    """confluent-kafka's own serializers: schemas are registered when writing, and found by their id when reading."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._client = SchemaRegistryClient({"url": url})

    def encode(self, name: str, topic: str, record: Record) -> bytes:
        serializer = AvroSerializer(self._client, schema_file(self._folder, name).read_text())
        return serializer(record, SerializationContext(topic, MessageField.VALUE))

    def decode(self, name: str, topic: str, value: bytes) -> Record:
        return AvroDeserializer(self._client)(value, SerializationContext(topic, MessageField.VALUE))
