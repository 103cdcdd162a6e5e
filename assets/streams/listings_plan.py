"""Planning of listings: a product is read before it is written, and gets what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from domain.connections import LISTINGS
from domain.delivery import Held, Intent, ListingSave, Outcome
from domain.identity import delivery_key
from domain.listings import moved_skus
from domain.records.listings import Listing
from domain.records.record import decode_record
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.lockstep import Sync


class ListingsPlanner(Planner[Listing]):
    """Plans a chunk of listings."""

    to_oms = False
    why = "the store took the listing"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = sync.listings_target

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Listing]]:
        """Decode the listings, and read from the ledger which were applied."""
        ids = [accepted.source_id for accepted in current]
        known = self.session.deliveries.targets(ids)
        return [
            Due(a, decode_record(Listing, a.canonical), a.source_id, known.get(a.source_id))
            for a in current
        ]

    def plan(self, due: Due[Listing]) -> Plan:
        """Return the intent to bring the product to the listing, unless that was done.

        A listing that was applied once is not applied again: what the merchant has changed in the
        store since stays, until the listing is asked for anew.
        """
        accepted, listing, known = due.accepted, due.record, due.known
        is_applied = known is not None and known.source_updated_at >= accepted.source_updated_at
        if is_applied and not self.request.force:
            return Plan(due)
        sequence = known.sequence if known is not None else 0
        action = f"update:{sequence}"
        key = delivery_key(
            self.sync.name, LISTINGS, accepted.source_id, action, accepted.canonical_digest
        )
        save = ListingSave(listing.product_id, listing.texts, listing.images, listing.skus)
        return Plan(due, [Intent("update", key, accepted.source_id, save, reads=True)])

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what differs from what the store shows now; nothing where it shows all of it.

        A product that no longer sells what was named is another one: it is left alone.
        """
        save: ListingSave = intent.content
        shown: Mapping[str, Any] = held.content
        if moved := moved_skus(plan.due.record.skus, shown["skus"]):
            return Outcome("refused", problems=tuple(moved))
        texts = {
            name: text for name, text in save.texts.items() if _typed(shown[name]) != _typed(text)
        }
        images = save.images
        if images is not None and not self.request.force and self._has_images(plan, images, shown):
            images = None
        if self.request.force:
            texts = dict(save.texts)
        if not texts and images is None:
            return Outcome("done", save.product_id)
        return replace(intent, content=replace(save, texts=texts, images=images))

    def _has_images(self, plan: Plan, wanted: Sequence[str], shown: Mapping[str, Any]) -> bool:
        """Return whether the product has these pictures.

        Where the store keeps copies of its own, they are those that were sent last, and there are
        as many.
        """
        if "addresses" in shown:
            return list(shown["addresses"]) == list(wanted)
        sent = _images_of(plan.due.known)
        return sent == list(wanted) and shown.get("images") == len(wanted)

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what was applied last."""
        listing: Listing = plan.due.record
        known = plan.due.known
        images = _images_of(known) if listing.images is None else list(listing.images)
        content = orjson.dumps({"images": images, "texts": sorted(listing.texts)})
        moment = plan.accepted.source_updated_at
        return TargetRow.following(known, intent.target_key, outcome.target_id, content, moment)


def _typed(text: str) -> str:
    """Return a text as a sheet gives it back: line ends alike, and no blanks around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _images_of(known: TargetRow | None) -> list[str] | None:
    """Return the pictures that were sent last, if any were."""
    if known is None:
        return None
    images: list[str] | None = orjson.loads(known.content)["images"]
    return images
