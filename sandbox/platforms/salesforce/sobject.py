"""What a kind of record is: its fields and their types, parents, keys and required fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Parent:
    """A reference field's object, its relationship, and what its children are called there."""

    object: str
    name: str
    children: str = ""


@dataclass(frozen=True, slots=True)
class SObject:
    """One kind of record; ``types`` are of fields that are not text."""

    prefix: str
    fields: frozenset[str]
    parents: dict[str, Parent] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    read_only: frozenset[str] = frozenset()
    numbered: tuple[str, str] = ("", "")
    """The autonumber field and its form."""
    lengths: Mapping[str, int] = field(default_factory=dict)
    """Of the texts that are checked."""

    def type_of(self, name: str) -> str:
        """Return a field's type."""
        if name == "Id" or name in self.parents:
            return "id"
        return SYSTEM.get(name) or self.types.get(name, "string")


SYSTEM = {
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "SystemModstamp": "datetime",
    "IsDeleted": "boolean",
}


def sobject(
    prefix: str,
    names: str,
    *,
    parents: dict[str, Parent] | None = None,
    numbers: str = "",
    moments: str = "",
    flags: str = "",
    required: str = "",
    keys: str = "",
    read_only: str = "",
    numbered: tuple[str, str] = ("", ""),
    lengths: Mapping[str, int] | None = None,
) -> SObject:
    """Return a kind of record; names are separated by spaces."""
    types = dict.fromkeys(numbers.split(), "double")
    types |= dict.fromkeys(moments.split(), "datetime") | dict.fromkeys(flags.split(), "boolean")
    known = {*names.split(), *types, *(parents or {}), "Id", *SYSTEM, *keys.split()}
    return SObject(
        prefix,
        frozenset(known),
        parents or {},
        types,
        tuple(required.split()),
        tuple(keys.split()),
        frozenset(read_only.split()),
        numbered,
        lengths or {},
    )


def child_of(parent: Parent, children: str) -> Parent:
    """Return a parent that lists such children under a name."""
    return Parent(parent.object, parent.name, children)
