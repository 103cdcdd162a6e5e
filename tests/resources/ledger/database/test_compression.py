"""Compression of payloads with the dictionary."""

from __future__ import annotations

from hashlib import blake2b
from importlib import resources

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from resources.ledger.database.compression import DICTIONARY, compress, decompress


@given(st.binary(max_size=5_000))
def test_content_comes_back_to_the_byte(content: bytes) -> None:
    """Whatever a source sends, JSON or not, is stored exactly."""
    assert decompress(compress(content)) == content


def test_a_frame_without_a_dictionary_is_read() -> None:
    """Payloads that were stored before there was a dictionary stay readable."""
    content = orjson.dumps({"id": 7, "billing_address": {"zip": "78701"}})
    assert decompress(zstandard.ZstdCompressor(level=3).compress(content)) == content


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
