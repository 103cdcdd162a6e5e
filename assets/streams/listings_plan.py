"""Planning of listings: a product is read before it is written, and gets what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from domain.connections import INVENTORY, LISTINGS
from domain.delivery import Held, Intent, ListingSave, NewListing, Outcome
from domain.identity import delivery_key
from domain.listings import adopted, is_new, moved_skus, new_id, not_created, taken_skus
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
        self._made: dict[str, TargetRow] = {}
        """What was sent of products when they were created, by the store's id."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Listing]]:
        """Decode the listings, and read from the ledger which were applied."""
        records = [decode_record(Listing, accepted.canonical) for accepted in current]
        ids = [accepted.source_id for accepted in current]
        known = self.session.deliveries.targets([*ids, *(new_id(one.sku) for one in records)])
        for record in records:
            made = known.get(new_id(record.sku))
            if made is not None and made.target_id == record.product_id:
                self._made[record.product_id] = made
        return [
            Due(a, record, a.source_id, known.get(a.source_id))
            for a, record in zip(current, records, strict=True)
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
        operation = "create" if is_new(listing.product_id) else "update"
        key = delivery_key(
            self.sync.name,
            LISTINGS,
            accepted.source_id,
            f"{operation}:{sequence}",
            accepted.canonical_digest,
        )
        content = self._new(listing) if operation == "create" else _save(listing, due.delivered_as)
        return Plan(due, [Intent(operation, key, accepted.source_id, content, reads=True)])

    def _new(self, listing: Listing) -> NewListing:
        connection = self.sync.connection
        return NewListing(
            listing,
            currency=connection.prices.currency or "",
            is_visible=connection.catalog.create_products == "visible",
            counts_stock=INVENTORY in connection.streams,
        )

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what differs from what the store shows now; nothing where it shows all of it.

        A product that no longer sells what was named is another one: it is left alone. One that
        was to be created and is there is compared like any other.
        """
        if not isinstance(intent.content, NewListing):
            if moved := moved_skus(plan.due.record.skus, held.content["skus"]):
                return Outcome("refused", problems=tuple(moved))
            return self._difference(plan, intent, held, intent.content)
        if held.content is None:
            if self.sync.connection.catalog.create_products == "never":
                return Outcome("refused", problems=(not_created(),))
            return intent
        if taken := taken_skus(held.target_id, plan.due.record.skus, held.content["skus"]):
            return Outcome("refused", problems=tuple(taken))
        if plan.due.known is None and not _was_sent(plan, intent):
            plan.notes.append(adopted(held.target_id))
        return self._difference(plan, intent, held, _save(plan.due.record, held.target_id))

    def _difference(
        self, plan: Plan, intent: Intent, held: Held, save: ListingSave
    ) -> Intent | Outcome:
        shown: Mapping[str, Any] = held.content
        texts = {
            name: text for name, text in save.texts.items() if _typed(shown[name]) != _typed(text)
        }
        images = save.images
        force = self.request.force
        if images is not None and not force and self._has_images(plan, intent, images, shown):
            images = None
        if force:
            texts = dict(save.texts)
        if not texts and images is None:
            return Outcome("done", save.product_id)
        return replace(intent, content=replace(save, texts=texts, images=images))

    def _has_images(
        self, plan: Plan, intent: Intent, wanted: Sequence[str], shown: Mapping[str, Any]
    ) -> bool:
        """Return whether the product has these pictures.

        Where the store keeps copies of its own, they are those that were sent last, and there are
        as many.
        """
        if "addresses" in shown:
            return list(shown["addresses"]) == list(wanted)
        last = plan.due.known or self._made.get(plan.due.delivered_as)
        sent = _images_of(last) == list(wanted)
        if isinstance(intent.content, NewListing):
            sent = sent or _was_sent(plan, intent)
        return sent and shown.get("images") == len(wanted)

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what was applied last."""
        listing: Listing = plan.due.record
        known = plan.due.known
        images = _images_of(known) if listing.images is None else list(listing.images)
        content = orjson.dumps({"images": images, "texts": sorted(listing.texts)})
        moment = plan.accepted.source_updated_at
        return TargetRow.following(known, intent.target_key, outcome.target_id, content, moment)


def _save(listing: Listing, product_id: str) -> ListingSave:
    return ListingSave(product_id, listing.texts, listing.images, listing.skus)


def _was_sent(plan: Plan, intent: Intent) -> bool:
    """Return whether the same may have been sent before, so that the store has it from us."""
    return any(one.is_uncertain and one.delivery_key == intent.key for one in plan.due.unsettled)


def _typed(text: str) -> str:
    """Return a text as a sheet gives it back: line ends alike, and no blanks around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _images_of(known: TargetRow | None) -> list[str] | None:
    """Return the pictures that were sent last, if any were."""
    if known is None:
        return None
    images: list[str] | None = orjson.loads(known.content)["images"]
    return images
