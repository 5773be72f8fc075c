"""Handwritten digits as PNG files, from the MNIST files that the workspace installs. The standard library is enough for both."""

import struct
import zlib
from pathlib import Path

SIDE = 28


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: bytes) -> bytes:
    """An 8-bit grey PNG of one 28 x 28 digit."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + pixels[row * SIDE : (row + 1) * SIDE] for row in range(SIDE))
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def read_digits(folder: Path, count: int) -> list[tuple[bytes, str]]:
    """The first `count` test digits: PNG and label."""
    images = (folder / "t10k-images-idx3-ubyte").read_bytes()[16:]
    labels = (folder / "t10k-labels-idx1-ubyte").read_bytes()[8:]
    size = SIDE * SIDE
    return [(png(images[i * size : (i + 1) * size]), str(labels[i])) for i in range(count)]
