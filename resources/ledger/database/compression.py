"""Compression of payloads: one zstd frame each, with a dictionary of the documents' structure.

A payload is small, and most of it is the names of its fields. With those in a dictionary,
compressing takes less than half the time and space. The dictionary holds names of fields and values
that many documents share, and nothing else of any document: it is trained on masked documents of
the sandbox (``python -m benchmarks.dictionary``).

Frames name their dictionary. Like a migration, a dictionary that was in use is never changed: a new
one is added beside it. Frames without one are read as well.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

import zstandard
from zstandard import frame_content_size

LEVEL = 1
"""With a dictionary, level 3 makes frames 5 % smaller and takes a third longer."""
LARGEST = 256 * 1024 * 1024
"""Bytes that a frame may decompress to: more than any source sends."""
DICTIONARY = "dictionaries/1.zdict"
_local = threading.local()


@lru_cache(maxsize=1)
def _dictionary() -> zstandard.ZstdCompressionDict:
    content = (resources.files(__package__) / DICTIONARY).read_bytes()
    dictionary = zstandard.ZstdCompressionDict(content)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


def compress(content: bytes) -> bytes:
    """Return ``content`` as one zstd frame."""
    return _compressor().compress(content)


def compress_all(contents: Sequence[bytes]) -> list[bytes]:
    """Return each content as one zstd frame, as ``compress`` does.

    In one call, since each gives up the interpreter's lock: with threads that wait for it, getting
    it back takes longer than to compress an order.
    """
    if not any(contents):
        return [compress(content) for content in contents]
    return _each(_compressor().multi_compress_to_buffer(list(contents)))


def decompress(frame: bytes) -> bytes:
    """Return the content of a zstd frame made by ``compress``."""
    return _decompressor().decompress(frame, max_output_size=LARGEST)


def decompress_all(frames: Sequence[bytes]) -> list[bytes]:
    """Return the content of each frame, in one call as ``compress_all``."""
    if min(map(frame_content_size, frames), default=0) <= 0:
        return [decompress(frame) for frame in frames]  # one is empty, or does not say its size
    return _each(_decompressor().multi_decompress_to_buffer(list(frames)))


def _each(found: zstandard.BufferWithSegmentsCollection) -> list[bytes]:
    return [found[i].tobytes() for i in range(len(found))]


def _compressor() -> zstandard.ZstdCompressor:
    """Return the thread's context: making one costs more than compressing an order."""
    context: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if context is None:
        context = _local.compressor = zstandard.ZstdCompressor(
            level=LEVEL, dict_data=_dictionary(), write_content_size=True
        )
    return context


def _decompressor() -> zstandard.ZstdDecompressor:
    context: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if context is None:
        context = _local.decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary())
    return context
