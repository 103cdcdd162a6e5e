"""Free texts of orders for an OMS with a longest one: cut visibly, and named in a warning. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.errors import Problem

CUT = "…"
"""The last character of a text that was cut."""


def cut(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters; the last one shows that more is missing."""
    return text if len(text) <= longest else text[: longest - 1] + CUT


def cut_in(payload: Mapping[str, object], longest: int, system: str) -> tuple[Problem, ...]:
    """Return a warning for each text of an order's payload that ``cut`` has made shorter."""
    return tuple(
        Problem(
            "text_cut",
            field,
            f"{system} gets only the first {longest - 1} characters of {field}.",
            "Give the rest to the warehouse, if it is needed there.",
        )
        for field in dict.fromkeys(_cut_fields(payload, longest, ""))
    )


def _cut_fields(payload: Mapping[str, object], longest: int, path: str) -> Iterator[str]:
    for name, value in payload.items():
        if isinstance(value, str) and len(value) == longest and value.endswith(CUT):
            yield f"{path}{name}"
        elif isinstance(value, list):
            for place, each in enumerate(value, 1):
                if isinstance(each, Mapping):
                    yield from _cut_fields(each, longest, f"{path}{name}[{place}].")
