"""The capability matrix: what each kind of system can be read for and written to, and each pair.

It is read from the registries, where an absent part is one that a connector does not have.
"""

from __future__ import annotations

from domain.connections import Connection
from domain.rules.capabilities import NEEDED, absent_parts
from resources import oms, platforms
from resources.systems import parts_of, streams_carried

READ, WRITTEN, BOTH, ABSENT = "read", "written", "read, written", "-"


def capabilities_of(connection: Connection) -> str:
    """Return a line that says which streams a connection's systems carry, and what is absent."""
    pair = connection.platform.kind, connection.oms.kind
    carried, parts = streams_carried(*pair), parts_of(*pair)
    lacking = [
        f"{stream} ({', '.join(absent_parts(stream, *parts))})"
        for stream in NEEDED
        if stream not in carried
    ]
    return f"can carry {', '.join(carried)}; absent: {', '.join(lacking) or 'none'}"


def system_rows() -> list[list[str]]:
    """Return a row for each part: what is done with it at each kind of system."""
    stores = [(kind, each.sources, each.targets) for kind, each in platforms.REGISTRY.items()]
    kinds = stores + [(kind, each.sources, each.targets) for kind, each in oms.REGISTRY.items()]
    parts = {part for _, sources, targets in kinds for part in (*sources, *targets)}
    rows = [["part", *(kind for kind, _, _ in kinds)]]
    for part in sorted(parts):
        cells = [
            _what(is_read=part in sources, is_written=part in targets)
            for _, sources, targets in kinds
        ]
        rows.append([part, *cells])
    return rows


def pair_rows() -> list[list[str]]:
    """Return a row for each pair of a platform and an OMS: which streams it carries."""
    rows = [["platform", "OMS", *NEEDED]]
    for platform in platforms.REGISTRY:
        for system in oms.REGISTRY:
            carried = streams_carried(platform, system)
            cells = ["yes" if stream in carried else ABSENT for stream in NEEDED]
            rows.append([platform, system, *cells])
    return rows


def as_markdown(rows: list[list[str]]) -> str:
    """Return rows as a table, the first as its head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, f"|{' --- |' * len(rows[0])}", *body])


def _what(*, is_read: bool, is_written: bool) -> str:
    if is_read and is_written:
        return BOTH
    return READ if is_read else WRITTEN if is_written else ABSENT


if __name__ == "__main__":
    print(as_markdown(system_rows()), as_markdown(pair_rows()), sep="\n\n")  # noqa: T201
