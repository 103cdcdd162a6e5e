"""The shortest programs of the faults that were found between other pairs than the default one."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair
from tests.model.operations.registry import op
from tests.model.program import run

pytestmark = pytest.mark.slow(seconds=20)

SALESFORCE = Pair("salesforce", "manhattan")


@pytest.mark.parametrize("body", ["", "{}", "null"])
def test_a_read_by_post_that_is_answered_without_content_is_repeated(world, body):
    """An empty success stood for "nothing", which no reader of this store expects."""
    script = [
        op("place", lines=[("MUG", 1)], number=1001),
        op("garble_answers", body=body, system="store", times=2),
        op("sync"),
    ]
    assert not run(world, script, SALESFORCE).problems
