"""The OpenAPI document of the webhook endpoint."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_REASONS = {
    "400": ("The body was broken off.", ["broken off"]),
    "401": (
        "The signature is missing, too old, too far ahead, or does not fit.",
        ["unsigned", "stale", "forged"],
    ),
    "403": (
        "The signature fits, but the webhook is of another store than the connection's.",
        ["foreign"],
    ),
    "404": ("No such connection, or no webhooks are taken in for this system of it.", ["unknown"]),
    "408": ("The body did not come in time.", ["slow"]),
    "413": ("The body is too large.", ["oversized"]),
    "422": ("The signature fits, but the body does not have the documented shape.", ["malformed"]),
    "503": ("The events could not be stored; send them again.", ["unavailable"]),
}


def document(max_body: int) -> Json:
    """Return the document; ``max_body`` is the limit of a body in bytes."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lockstep webhooks",
            "version": "1",
            "summary": "Takes in signed webhooks of commerce platforms and order management systems.",
        },
        "paths": {
            "/hooks/{connection}/{system}": {"post": _hook(max_body)},
            "/health": {"get": _health()},
            "/openapi.json": {"get": _description()},
        },
    }


def _hook(max_body: int) -> Json:
    stored = {
        "events": _count("Events in the body that Lockstep has a use for."),
        "stored": _count("Those that had not come before."),
    }
    return {
        "operationId": "takeWebhook",
        "summary": "Take in one webhook.",
        "description": f"Verified over the raw body, of at most {max_body} bytes. Acknowledged after the events are committed; repetitions "
        "are acknowledged, too. Stores sign by Standard Webhooks, order management systems by their configured HMAC scheme.",
        "parameters": [
            _path("connection", {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,40}$"}),
            _path("system", {"type": "string", "enum": ["platform", "oms"]}),
            _header(
                "webhook-id", "The message's id, equal for each repetition (Standard Webhooks)."
            ),
            _header(
                "webhook-timestamp",
                "Unix time in whole seconds, at most five minutes from now (Standard Webhooks).",
            ),
            _header(
                "webhook-signature",
                "v1, and the HMAC-SHA256 of id.timestamp.body in base64 (Standard Webhooks).",
            ),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _event()}}},
        "responses": {"200": _json("Stored.", _object(stored))}
        | {status: _json(text, _error(reasons)) for status, (text, reasons) in _REASONS.items()},
    }


def _event() -> Json:
    """Describe a store's thin event, as far as it is looked at; a body that is signed otherwise has the sender's own shape."""
    number = {
        "oneOf": [
            {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
            {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
        ]
    }
    return {
        "oneOf": [
            _shape("^store/order/[A-Za-z/*]{1,70}$", {"id": number}),
            _shape("^store/shipment/[A-Za-z/*]{1,70}$", {"orderId": number}),
            _shape(
                "^store/(app|cart|category|channel|customer|information|product|sku|subscriber)/[A-Za-z/*]{1,60}$",
                {},
            ),
        ]
    }


def _shape(scope: str, data: Json) -> Json:
    properties = {
        "scope": {"type": "string", "pattern": scope},
        "producer": {
            "type": "string",
            "description": "stores/ and the hash of the connection's store.",
        },
        "data": {"type": "object", "required": sorted(data), "properties": data},
    }
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _health() -> Json:
    counts = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}

    def state(word: str) -> Json:
        return _object({"status": {"const": word}, "detail": {"type": "string"}, "refused": counts})

    return {
        "operationId": "health",
        "summary": "Tell whether webhooks can be stored, and how many were refused since the start, by reason.",
        "responses": {
            "200": _json("They can.", state("ok")),
            "503": _json("The database can't be used.", state("unavailable")),
        },
    }


def _description() -> Json:
    return {
        "operationId": "openapi",
        "summary": "This document.",
        "responses": {
            "200": _json(
                "OpenAPI 3.1.", {"type": "object", "required": ["openapi", "info", "paths"]}
            )
        },
    }


def _path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _header(name: str, text: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
    }


def _count(text: str) -> Json:
    return {"type": "integer", "minimum": 0, "description": text}


def _error(reasons: list[str]) -> Json:
    return _object({"error": {"type": "string", "enum": reasons}, "detail": {"type": "string"}})


def _object(properties: Json) -> Json:
    return {
        "type": "object",
        "required": sorted(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
