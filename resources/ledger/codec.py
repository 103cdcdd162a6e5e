"""Payload compression: zstd by the client is a tenth of Postgres's own cost for jsonb (docs/performance.md)."""

from __future__ import annotations

import threading

import zstandard

_LEVEL = 3
_LARGEST = 256 * 1024 * 1024
_local = threading.local()


def compress(content: bytes) -> bytes:
    """Return ``content`` as one zstd frame. Contexts are reused per thread: making one costs more than compressing an order."""
    context: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if context is None:
        context = _local.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True)
    return context.compress(content)


def decompress(frame: bytes) -> bytes:
    """Return the content of a zstd frame made by ``compress``."""
    context: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if context is None:
        context = _local.decompressor = zstandard.ZstdDecompressor()
    return context.decompress(frame, max_output_size=_LARGEST)
