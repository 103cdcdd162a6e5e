"""Whether a complete read can be trusted when it says that records are gone. Pure."""

from __future__ import annotations

from domain.errors import PermanentError

SMALL_LOSS = 10
"""So many records may go at once, whatever share of a small collection they are."""


def refuse_shrinkage(
    what: str, before: int, after: int, limit: float, setting: str = "inventory.catalog_shrink"
) -> None:
    """Refuse a read with much less than the last one, which is an error and no deletion.

    ``what`` names it in the message. ``limit`` is the share of ``before`` that may be gone, as the
    ``setting`` states. Raises ``PermanentError``.
    """
    lost = before - after
    if lost <= max(SMALL_LOSS, limit * before):
        return
    raise PermanentError(
        f"{what} came back with {after} records, and the last read had {before}: "
        f"{lost / before:.0%} fewer, more than {setting} ({limit:.0%}) allows. "
        "Nothing was removed. If they really were deleted in the store, raise "
        f"{setting} for one read; if not, find out why the store lists so few"
    )
