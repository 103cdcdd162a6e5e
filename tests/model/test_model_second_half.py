"""The second half of the programs of test_model.py."""

from __future__ import annotations

import pytest

from tests.model.chunks import CHUNKS, expect_promises_kept

pytestmark = pytest.mark.slow(seconds=90)


@pytest.mark.parametrize("chunk", range(CHUNKS // 2, CHUNKS))
def test_every_program_ends_as_promised(world, chunk):
    """On another worker: one module takes one."""
    expect_promises_kept(world, chunk)
