"""Both connectors have the same files by role, and the parts that their registry states."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import resources
from domain.parsing.payload import PayloadDecoder
from domain.sources import AnySource
from resources import oms, platforms
from resources.connector import Connector

ROOT = Path(__file__).parents[2]
ROLES = (
    "adapter", "client", "settings", "statuses", "preflight", "events", "payload", "personal",
)  # fmt: skip
CONNECTORS: dict[str, Connector[object]] = {
    f"resources.platforms.{kind}": connector for kind, connector in platforms.REGISTRY.items()
} | {f"resources.oms.{kind}": connector for kind, connector in oms.REGISTRY.items()}  # type: ignore[dict-item]
SOURCES: dict[tuple[str, str], type[AnySource]] = {
    (package, stream): source
    for package, connector in CONNECTORS.items()
    for stream, source in connector.sources.items()
}


@pytest.mark.parametrize("package", CONNECTORS)
def test_a_connector_has_the_same_files_as_the_others(package: str) -> None:
    """The next one can be a copy of any."""
    folder = ROOT / package.replace(".", "/")
    has_events = CONNECTORS[package].receiver is not None
    roles = [role for role in ROLES if role != "events" or has_events]
    missing = [role for role in roles if not (folder / f"{role}.py").is_file()]
    assert missing == []
    assert (folder / "README.md").is_file()


@pytest.mark.parametrize(("package", "stream"), SOURCES)
def test_a_source_is_in_its_streams_module_or_folder(package: str, stream: str) -> None:
    """``<stream>.py``, or ``source.py`` in the stream's folder; its class is named after it."""
    source = SOURCES[package, stream]
    assert source.__module__ in (f"{package}.{stream}", f"{package}.{stream}.source")
    assert source.__name__ == f"{stream.capitalize()}Source"


@pytest.mark.parametrize(("package", "stream"), SOURCES)
def test_a_source_lists_what_is_not_personal(package: str, stream: str) -> None:
    """Without a list every field would be removed with a forgotten person's data."""
    source = SOURCES[package, stream]
    assert source.facts
    assert source.facts <= CONNECTORS[package].facts
    assert source.shape in ("changes", "snapshot", "requests")


def test_every_kind_of_payload_can_be_decoded() -> None:
    """Decoders are made when they are used; a struct that can't be decoded is noticed here."""
    decoders: dict[int, PayloadDecoder] = {}
    for name in pkgutil.walk_packages(resources.__path__, f"{resources.__name__}."):
        found = vars(importlib.import_module(name.name)).values()
        decoders |= {id(each): each for each in found if isinstance(each, PayloadDecoder)}
    assert len(decoders) > 70
    assert [each for each in decoders.values() if each.decode(b"{}").problems] == []
