"""The statuses of a kind of store, and in which of them a connection's orders go out. Pure.

The connector says which statuses there are and what each does by default; the sections ``orders``
and ``shipments`` of a connection replace the defaults. Statuses are text here: platforms have
numbers or names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from domain.policies import OrdersPolicy, ShipmentsPolicy


class UnusableStatus(NamedTuple):
    """A status in the configuration that can't be used."""

    place: tuple[str, ...]
    """The path of the setting, from the connection on."""
    message: str


class OrderStatuses(msgspec.Struct, frozen=True):
    """The statuses of one connection's store that decide about an order."""

    export: frozenset[str]
    """Orders are sent to the OMS; others are skipped by the rule ``status_not_exported``."""
    update: frozenset[str]
    """Changes of an order that the OMS has are still sent."""
    cancel: frozenset[str]
    """An order that the OMS has is canceled there."""
    holds: Mapping[str, str]
    """Status -> the OMS's hold type; such orders are exported too."""
    cancels_deleted: bool = False
    """An order that the store deletes or archives is canceled at the OMS."""

    @property
    def outgoing(self) -> frozenset[str]:
        """Return the statuses in which an order is exported, on hold or not."""
        return self.export | self.holds.keys()


class StoreStatuses(msgspec.Struct, frozen=True):
    """All statuses of a kind of store, and what a connection does in them by default."""

    names: Mapping[str, str]
    """Status, as an order's header states it -> what the store calls it."""
    export: tuple[str, ...]
    update: tuple[str, ...]
    cancel: tuple[str, ...]
    settable: Mapping[str, str] | None = None
    """Those that fulfilment may set; by default all of ``names``."""
    deleted: Literal["report", "cancel"] = "report"
    """What becomes of an order that is deleted or archived (``orders.deleted``)."""
    is_open: bool = False
    """Merchants may add statuses of their own, so that an unknown one can't be refused."""

    def chosen(self, policy: OrdersPolicy) -> OrderStatuses:
        """Return what a connection does, by its policy and else by the defaults."""
        return OrderStatuses(
            _or_default(policy.export_statuses, self.export),
            _or_default(policy.update_statuses, self.update),
            _or_default(policy.cancel_statuses, self.cancel),
            {str(status): hold for status, hold in policy.hold_statuses.items()},
            (policy.deleted or self.deleted) == "cancel",
        )

    def unusable(
        self, orders: OrdersPolicy, shipments: ShipmentsPolicy
    ) -> Iterator[UnusableStatus]:
        """Return what is wrong with the statuses of a connection's configuration."""
        settings: tuple[tuple[str, Collection[int | str]], ...] = (
            ("export_statuses", orders.export_statuses or ()),
            ("hold_statuses", orders.hold_statuses),
            ("update_statuses", orders.update_statuses or ()),
            ("cancel_statuses", orders.cancel_statuses or ()),
        )
        for name, statuses in settings:
            yield from self._unknown(("orders", name), map(str, statuses), self.names)
        settable = self.names if self.settable is None else self.settable
        shown = shipments.milestone_statuses
        yield from self._unknown(
            ("shipments", "milestone_statuses"),
            (str(status) for status in shown.values() if status is not None),
            settable,
        )
        chosen = self.chosen(orders)
        for status in sorted(chosen.holds.keys() & chosen.cancel):
            message = (
                f"status {status} is in hold_statuses and in cancel_statuses; remove one of them"
            )
            yield UnusableStatus(("orders", "hold_statuses"), message)

    def _unknown(
        self, place: tuple[str, ...], statuses: Iterator[str], known: Mapping[str, str]
    ) -> Iterator[UnusableStatus]:
        if self.is_open:
            return
        for status in statuses:
            if status not in known:
                names = ", ".join(
                    key if key == name else f"{key} ({name})" for key, name in known.items()
                )
                yield UnusableStatus(
                    place, f"the store has no status {status!r}; known are {names}"
                )


def _or_default(
    configured: Collection[int | str] | None, default: Collection[str]
) -> frozenset[str]:
    return frozenset(map(str, default if configured is None else configured))
