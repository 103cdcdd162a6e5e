"""BigCommerce's official OpenAPI files, ready to validate with.

``oneOf`` is read as ``anyOf`` at any depth: the files use it for alternatives without a required
field, of which every object fits several. So that ``anyOf`` still distinguishes them, the fields of
a link (``url``, ``resource``) count as required.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
import yaml
from openapi_core import Config, OpenAPI

from tests.shared import shared_path

LINK = frozenset({"url", "resource"})


@lru_cache
def spec(name: str) -> OpenAPI:
    """Return an official file by its path below contracts/bigcommerce."""
    text = (shared_path("contracts/bigcommerce") / name).read_text()
    config = Config(
        spec_validator_cls=None,
        extra_media_type_deserializers={"application/problem+json": orjson.loads},
    )
    return OpenAPI.from_dict(distinguished(yaml.load(text, yaml.CSafeLoader)), config=config)


def distinguished(part: Any) -> Any:
    """Return a part of a file with ``anyOf`` for ``oneOf``, and links that must have their fields.

    What is below ``properties`` are names, and an example is not a schema.
    """
    if isinstance(part, list):
        return [distinguished(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    found = {
        "anyOf" if name == "oneOf" and isinstance(value, list) else name: (
            value if name in ("example", "examples", "x-examples") else distinguished(value)
        )
        for name, value in part.items()
    }
    if set(found.get("properties") or ()) == LINK:
        found["required"] = sorted(LINK)
    return found
