"""What the runner says about the services that are up, as fixtures."""

import os
from pathlib import Path

import pytest
from cluster import Cluster
from digits import read_digits
from formats import FolderFormat, Format, RegistryFormat


@pytest.fixture(scope="session")
def schemas() -> Path:
    return Path(os.environ["SCHEMAS_FOLDER"])


@pytest.fixture(scope="session")
def registry_url() -> str | None:
    return os.environ.get("SCHEMA_REGISTRY_URL")


@pytest.fixture(scope="session")
def ingest_url() -> str:
    return os.environ["INGEST_URL"]


@pytest.fixture(scope="session")
def form(schemas: Path, registry_url: str | None) -> Format:
    return FolderFormat(schemas) if registry_url is None else RegistryFormat(schemas, registry_url)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster(os.environ["KAFKA_BROKERS"], os.environ["TOPIC_PREFIX"])


@pytest.fixture(scope="session")
def digits() -> list[tuple[bytes, str]]:
    return read_digits(Path(os.environ["MNIST_FOLDER"]), 160)
