"""Compression of payloads with the dictionary."""

from __future__ import annotations

from hashlib import blake2b
from importlib import resources

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from resources.ledger.database.compression import (
    DICTIONARY,
    compress,
    compress_all,
    decompress,
    decompress_all,
)


@given(st.binary(max_size=5_000))
def test_content_comes_back_to_the_byte(content: bytes) -> None:
    """Whatever a source sends, JSON or not, is stored exactly."""
    assert decompress(compress(content)) == content


def test_a_frame_without_a_dictionary_is_read() -> None:
    """Payloads that were stored before there was a dictionary stay readable."""
    content = orjson.dumps({"id": 7, "billing_address": {"zip": "78701"}})
    assert decompress(zstandard.ZstdCompressor(level=3).compress(content)) == content


@given(st.lists(st.binary(max_size=500), max_size=5))
def test_a_chunk_is_compressed_as_each_of_its_contents_is(contents: list[bytes]) -> None:
    """Also where one of them is empty, or there is none."""
    frames = compress_all(contents)
    assert frames == [compress(content) for content in contents]
    assert decompress_all(frames) == contents


def test_frames_of_all_times_are_read_in_one_chunk() -> None:
    """Those without a dictionary, and those that do not say how large their content is."""
    contents = [b'{"id":1}', b'{"id":2}', b'{"id":3}']
    older = zstandard.ZstdCompressor(level=3).compress(contents[1])
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(contents[2])
    assert decompress_all([compress(contents[0]), older]) == contents[:2]
    assert decompress_all([compress(contents[0]), older, silent]) == contents


@pytest.mark.parametrize("frame", [b"", b"{}", compress(b"x" * 500)[:-3]])
def test_a_damaged_frame_is_an_error_in_a_chunk(frame: bytes) -> None:
    """Nothing is read in its place."""
    with pytest.raises(zstandard.ZstdError):
        decompress_all([compress(b"{}"), frame])


def test_a_frame_of_an_unknown_dictionary_is_an_error() -> None:
    """It is never read as something else."""
    samples = [orjson.dumps({"number": n, "text": f"sample {n * n}"}) for n in range(2_000)]
    other = zstandard.train_dictionary(4_096, samples)
    frame = zstandard.ZstdCompressor(dict_data=other).compress(samples[5])
    with pytest.raises(zstandard.ZstdError):
        decompress(frame)


def test_the_dictionary_is_the_one_that_stored_payloads_need() -> None:
    """Stored payloads can't be read with another one: add a dictionary instead of changing this."""
    content = (resources.files("resources.ledger.database") / DICTIONARY).read_bytes()
    assert blake2b(content, digest_size=16).hexdigest() == "31662baf750edf391bd97fcd8fd3dbc0"
