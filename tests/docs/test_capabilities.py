"""The capability matrix is the same in the registries, in the documentation and in the commands."""

from __future__ import annotations

import re

import pytest

from domain.connections import Connection
from orchestration.local.simulated import Pair, pairs
from resources.capabilities import as_markdown, capabilities_of, pair_rows, system_rows
from resources.systems import streams_carried
from tests.docs.pages import ROOT


@pytest.mark.parametrize("rows", [system_rows(), pair_rows()], ids=["systems", "pairs"])
def test_the_documentation_has_the_tables_of_the_registries(rows: list[list[str]]) -> None:
    """Copy what ``python -m resources.capabilities`` prints."""
    assert as_markdown(rows) in (ROOT / "docs" / "connectors.md").read_text("utf-8")


@pytest.mark.parametrize("pair", pairs())
def test_a_connection_says_what_its_pair_carries_and_why_not_the_rest(pair: Pair) -> None:
    """Each absent stream has the part that is lacking, and the system that lacks it."""
    connection = Connection.model_validate(
        {"platform": {"kind": pair.store}, "oms": {"kind": pair.oms}}
    )
    carried, _, absent = capabilities_of(connection).partition("; absent: ")
    streams = streams_carried(*pair)
    assert carried == f"can carry {', '.join(streams)}"
    for stream, cell in zip(pair_rows()[0][2:], _row(pair), strict=True):
        assert (stream in streams) is (cell == "yes")
        if stream not in streams:
            [reasons] = re.findall(rf"\b{stream} \(([^)]*)\)", absent)
            assert "can't be" in reasons


def _row(pair: Pair) -> list[str]:
    [cells] = [row[2:] for row in pair_rows() if tuple(row[:2]) == pair]
    return cells
