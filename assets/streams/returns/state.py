"""What the ledger knows of the refunds of one return, and which of its units are owed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any

import orjson

from assets.streams.returns.units import Counted, Lines, count_units
from domain.identity import content_digest
from domain.policies import UomRule
from domain.records.returns import Return
from domain.refunds import ReturnedUnits, ReturnRecord, StoreRefund
from domain.skus import BySku
from resources.ledger.rows import TargetRow


@dataclass
class ReturnState:
    """What was done for one return; grows with each refund that is made or found."""

    refunds: dict[str, StoreRefund] = field(default_factory=dict)
    """By their key: two services may give out the same id."""
    applied_at: str = ""
    sequence: int = 0
    shown: str = ""
    """Digest of what the store's order shows of the return; empty if it shows nothing."""
    missing: set[str] = field(default_factory=set)
    """Keys of open refunds that the payment service did not have when it was last asked."""
    asked: dict[str, str] = field(default_factory=dict)
    """Key of a refund that was asked for -> the service that was asked, until it is known."""

    @classmethod
    def from_ledger(cls, known: TargetRow | None) -> ReturnState:
        """Read what the ledger holds."""
        if known is None:
            return cls()
        content = orjson.loads(known.content)
        refunds = {
            stored["key"] or stored["id"]: StoreRefund(
                stored["id"],
                stored["units"],
                Decimal(stored["amount"]),
                known.target_key,
                stored["key"],
                stored["declined"],
                stored.get("pending", False),
            )
            for stored in content["refunds"].values()
        }
        return cls(
            refunds,
            content["applied_at"],
            known.sequence,
            content.get("shown", ""),
            set(content.get("missing", ())),
            content.get("asked", {}),
        )

    def content(self) -> bytes:
        """Return what the ledger stores."""
        refunds = {
            name: {
                "id": refund.refund_id,
                "units": dict(refund.units),
                "amount": str(refund.amount),
                "key": refund.key,
                "declined": refund.declined,
                "pending": refund.is_pending,
            }
            for name, refund in self.refunds.items()
        }
        stored: dict[str, Any] = {"refunds": refunds, "applied_at": self.applied_at}
        seldom = {"shown": self.shown, "missing": sorted(self.missing), "asked": self.asked}
        return orjson.dumps(stored | {name: value for name, value in seldom.items() if value})

    def to_row(self, record: Return) -> TargetRow:
        """Return the ledger's row of this state."""
        content = self.content()
        return TargetRow(
            record.return_id,
            record.source_id,
            content,
            content_digest(content),
            "",
            self.sequence,
            record.updated_at,
        )

    def note(self, refund: StoreRefund) -> bool:
        """Take note of a refund; return whether it was not known. One of nothing has no id."""
        name = refund.key or refund.refund_id
        is_new = name not in self.refunds
        self.refunds[name] = refund
        self.asked.pop(refund.key, None)
        return is_new

    def update(self, key: str, now: StoreRefund) -> None:
        """Take over the outcome of the payment of a refund that is known."""
        for name, known in self.refunds.items():
            if name == key or known.refund_id == now.refund_id:
                self.refunds[name] = replace(
                    known, declined=now.declined, is_pending=now.is_pending
                )

    def misses(self, key: str) -> bool:
        """Note that the service lacks a refund; return whether it did the last time, too."""
        is_second = key in self.missing
        self.missing ^= {key}
        return is_second

    def left_of(self, confirmed: Mapping[str, int]) -> dict[str, int]:
        """Return line id -> units that are confirmed and not refunded; negative where it's more."""
        left = dict(confirmed)
        for refund in self.refunds.values():
            for line_id, units in refund.units.items():
                left[line_id] = left.get(line_id, 0) - units
        return {line_id: units for line_id, units in left.items() if units}

    def paid_units(self) -> dict[str, int]:
        """Return line id -> units for which the shopper has the money."""
        units: dict[str, int] = {}
        for refund in self.refunds.values():
            for line_id, number in refund.units.items() if refund.is_paid else ():
                units[line_id] = units.get(line_id, 0) + number
        return units


def digest_of(record: ReturnRecord) -> str:
    """Return the digest of what a store's order should show, however it came to that."""
    content = asdict(replace(record, is_separate=False))
    for line in content["lines"]:
        if not line["expected"]:  # a store that shows no announced units: as it always was
            del line["expected"]
    return content_digest(orjson.dumps(content)).hex()


def shown_of(
    record: Return,
    counted: Counted,
    paid: Mapping[str, int],
    known: Collection[str],
    *,
    is_separate: bool,
) -> ReturnRecord:
    """Return what the store's order should show, of its ``known`` lines."""
    ids = sorted({line.order_line_id for line in record.lines if line.order_line_id in known})
    lines = tuple(
        ReturnedUnits(
            line_id,
            counted.arrived.get(line_id, 0),
            counted.confirmed.get(line_id, 0),
            paid.get(line_id, 0),
            _texts(record, line_id, "condition_code"),
            _texts(record, line_id, "reason_code"),
            counted.expected.get(line_id, 0),
        )
        for line_id in ids
    )
    return ReturnRecord(
        record.source_id,
        record.return_id,
        lines,
        ", ".join(dict.fromkeys(filter(None, (line.tracking_number for line in record.lines)))),
        is_refunded=record.is_refunded,
        is_separate=is_separate,
    )


def wanted_return(
    record: Return,
    state: ReturnState,
    lines: Lines,
    uom_rules: BySku[UomRule],
    *,
    shows_announced: bool,
) -> ReturnRecord:
    """Return what the store should show of a return, whether it does or not."""
    counted = count_units(record, lines, uom_rules, shown=True, announced=shows_announced)
    return shown_of(record, counted, state.paid_units(), lines.keys(), is_separate=False)


def _texts(record: Return, line_id: str, name: str) -> str:
    """Return what the lines of a return say about an order's line, each once."""
    found = (getattr(line, name) for line in record.lines if line.order_line_id == line_id)
    return ", ".join(dict.fromkeys(filter(None, found)))
