"""The settings that a page quotes are accepted, in place of those of the example configuration."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml

from domain.connections import Connection
from orchestration import settings
from tests.docs.pages import PAGES, ROOT, name_of

QUOTED = re.compile(r"^ *```yaml\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
EXAMPLE = yaml.safe_load((ROOT / "docs" / "connections.example.yaml").read_text())
SYSTEMS = ("platform", "oms")


def _quoted() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for text in QUOTED.findall(page.read_text()):
            if "ops:" not in text:  # the run config of a job
                yield name_of(page), textwrap.dedent(text)


BLOCKS = list(_quoted())


@pytest.mark.parametrize(("page", "text"), BLOCKS, ids=[page for page, _ in BLOCKS])
def test_quoted_settings_are_accepted(page: str, text: str) -> None:
    """An operator who copies them into connections.yaml gets no error."""
    quoted = yaml.safe_load(text)
    whole = deepcopy(EXAMPLE)
    sections = quoted.pop("connections", None) or {"": quoted}
    for section in sections.values():
        own = {key: section.pop(key) for key in list(section) if key in Connection.model_fields}
        name = _connection_with(page, own)
        whole["connections"] = {name: _laid_over(whole["connections"][name], own)}
        whole |= section
    assert settings.parse(yaml.safe_dump(whole)).connections


def _connection_with(page: str, quoted: dict[str, Any]) -> str:
    """Return the first connection of the example whose systems are of the kinds meant."""
    kinds = {side: quoted[side]["kind"] for side in SYSTEMS if "kind" in quoted.get(side, {})}
    if match := re.match(r"resources/(platform|oms)s?/(\w+)/", page):
        kinds[match[1]] = match[2]
    return next(
        name
        for name, connection in EXAMPLE["connections"].items()
        if all(connection[side]["kind"] == kind for side, kind in kinds.items())
    )


def _laid_over(connection: dict[str, Any], quoted: dict[str, Any]) -> dict[str, Any]:
    """Return the connection with the quoted sections; a system with its kind is a whole one."""
    result = dict(connection)
    for key, value in quoted.items():
        is_part = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = result[key] | value if is_part and "kind" not in value else value
    return result
