"""commercetools' official OpenAPI file, ready to validate with.

The file is 3 MB, most of it of other resources: only the paths that are asked for are kept, with
the schemas that they refer to. The vendor's ``discriminator`` names the kinds of a base schema
without listing them as alternatives, so the fields that all kinds have are what is checked. A map's
pattern for its keys is listed as a required field (``/^[a-z]{2}.../``), which no document can have.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml
from openapi_core import Config, OpenAPI

from tests.shared import shared_path

Json = dict[str, Any]
PATHS = (
    "/{projectKey}",
    "/{projectKey}/orders",
    "/{projectKey}/orders/{ID}",
    "/{projectKey}/orders/order-number={orderNumber}",
    "/{projectKey}/inventory",
    "/{projectKey}/inventory/{ID}",
    "/{projectKey}/channels",
    "/{projectKey}/stores",
    "/{projectKey}/payments",
    "/{projectKey}/product-projections",
    "/{projectKey}/messages",
    "/{projectKey}/subscriptions",
    "/{projectKey}/subscriptions/{ID}",
)
HOST = "https://api.europe-west1.gcp.commercetools.com"


@lru_cache
def official() -> OpenAPI:
    """Return the official file with the paths above."""
    text = (shared_path("contracts/commercetools") / "openapi.yaml").read_text()
    whole = yaml.load(text, yaml.CSafeLoader)
    kept: Json = {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": [{"url": HOST}],
        "paths": {path: _without_security(whole["paths"][path]) for path in PATHS},
        "components": {},
    }
    waiting = list(_references(kept["paths"]))
    while waiting:
        kind, name = waiting.pop()
        parts = kept["components"].setdefault(kind, {})
        if name not in parts:
            parts[name] = _plain(whole["components"][kind][name])
            if name == "ErrorObject":  # its extra fields are not texts only: ``currentVersion``
                parts[name].pop("additionalProperties", None)
            waiting += _references(parts[name])
    return OpenAPI.from_dict(kept, config=Config(spec_validator_cls=None))


def _without_security(path: Json) -> Json:
    return {
        name: {key: value for key, value in part.items() if key != "security"}
        if isinstance(part, dict)
        else part
        for name, part in path.items()
    }


def _plain(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _plain(part) for name, part in schema.items() if name != "discriminator"}
    if isinstance(required := found.get("required"), list):
        found["required"] = [name for name in required if not str(name).startswith("/")]
        if not found["required"]:
            del found["required"]
    return found


def _references(part: Any) -> Iterator[tuple[str, str]]:
    """Yield kind and name of each component that a part refers to."""
    if isinstance(part, list | dict):
        for each in part.values() if isinstance(part, dict) else part:
            yield from _references(each)
    if isinstance(part, dict) and isinstance(reference := part.get("$ref"), str):
        kind, name = reference.split("/")[-2:]
        yield kind, name
