"""commercetools' official OpenAPI file, ready to validate with.

The file is 3 MB, most of it of other resources: only the paths that are asked for are kept, with
the schemas that they refer to. The vendor's ``discriminator`` names the kinds of a base schema
without listing them as alternatives, so a validator checks the fields that all kinds have;
``deviations`` follows it, and knows each kind's own fields. A map's pattern for its keys is listed
as a required field (``/^[a-z]{2}.../``), which no document can have.
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
    "/{projectKey}/carts",
    "/{projectKey}/inventory",
    "/{projectKey}/inventory/{ID}",
    "/{projectKey}/channels",
    "/{projectKey}/stores",
    "/{projectKey}/payments",
    "/{projectKey}/payments/{ID}",
    "/{projectKey}/customers",
    "/{projectKey}/product-projections",
    "/{projectKey}/products",
    "/{projectKey}/products/{ID}",
    "/{projectKey}/product-types",
    "/{projectKey}/categories",
    "/{projectKey}/states",
    "/{projectKey}/messages",
    "/{projectKey}/standalone-prices",
    "/{projectKey}/standalone-prices/{ID}",
    "/{projectKey}/subscriptions",
    "/{projectKey}/subscriptions/{ID}",
)
HOST = "https://api.europe-west1.gcp.commercetools.com"


@lru_cache
def _whole() -> Json:
    text = (shared_path("contracts/commercetools") / "openapi.yaml").read_text()
    found: Json = yaml.load(text, yaml.CSafeLoader)
    return found


@lru_cache
def official() -> OpenAPI:
    """Return the official file with the paths above."""
    whole = _whole()
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


def deviations(value: Any, schema: Json | str, path: str = "$") -> Iterator[str]:
    """Yield what a value has that its schema does not know, or has in another form.

    ``schema`` is one of the file's, or the name of one. Kinds are distinguished by their
    discriminator, whose value must be one that the file lists.
    """
    schema = {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema
    schema, fields, required = _resolved(schema, value)
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from deviations(entry, schema.get("items", {}), f"{path}[{number}]")
    elif not isinstance(value, dict):
        yield from _scalar(value, schema, path)
    elif schema.get("type", "object") != "object":
        yield f"{path} is an object"
    else:
        yield from (f"{path}.{name} is missing" for name in required if name not in value)
        extra = schema.get("additionalProperties")
        is_map = bool(extra) or not fields or any(name.startswith("/") for name in fields)
        for name, entry in value.items():
            if name in fields:
                yield from deviations(entry, fields[name], f"{path}.{name}")
            elif not is_map:
                yield f"{path}.{name} is not a field"


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def _scalar(value: Any, schema: Json, path: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind in ("object", "array") or (
        kind in _TYPES
        and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"))
    ):
        yield f"{path} is no {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}, which is not listed"


def _resolved(schema: Json, value: Any) -> tuple[Json, Json, set[str]]:
    """Return a schema without references, its fields, and those that are required."""
    fields: Json = {}
    required: set[str] = set()
    merged: Json = {}
    waiting, seen = [schema], set[str]()
    while waiting:
        part = waiting.pop()
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            if name not in seen:
                seen.add(name)
                waiting.append(_whole()["components"]["schemas"][name])
            continue
        merged |= {key: entry for key, entry in part.items() if key != "allOf"}
        fields |= part.get("properties", {})
        required |= {name for name in part.get("required", ()) if not name.startswith("/")}
        waiting += part.get("allOf", ())
        found = part.get("discriminator")
        if found is not None and isinstance(value, dict):
            kind = found["mapping"].get(value.get(found["propertyName"]))
            if kind is not None:
                waiting.append({"$ref": kind})
            elif found["propertyName"] in value:
                fields |= {found["propertyName"]: {"enum": list(found["mapping"])}}
    return merged, fields, required


def answered(path: str, method: str, status: int) -> Json | None:
    """Return the schema of an answer's body by the path's template; ``None`` if it has none."""
    answers = _whole()["paths"][path][method.lower()]["responses"]
    content = (answers.get(str(status)) or {}).get("content") or {}
    found: Json | None = (content.get("application/json") or {}).get("schema")
    return found


def asked(path: str, method: str) -> Json | None:
    """Return the schema of a request's body by the path's template; ``None`` if it has none."""
    body = _whole()["paths"][path][method.lower()].get("requestBody") or {}
    found: Json | None = (body.get("content", {}).get("application/json") or {}).get("schema")
    return found
