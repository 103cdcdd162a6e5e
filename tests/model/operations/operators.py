"""What operators do: runs, retries, discards, edits, policies, pauses, restarts, restores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from domain.connections import Retention
from domain.errors import PermanentError
from resources.fingerprint import parts_of
from resources.ledger.monitoring import activation, caution
from resources.ledger.privacy import forgetting
from resources.ledger.privacy.retention import retire
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.reopening import reopen
from resources.ledger.rejections.work_queue import Rejection, RejectionFilter
from tests.model.life import Life, NotPossibleError
from tests.model.operations.registry import NUMBER, among, at, between, operation
from tests.model.systems import PAIR
from tests.model.world import NAME, STREAMS, store_id

both = at("/".join(PAIR))
STREAM = among(*STREAMS)
WHO = "operator"
HOUR = timedelta(hours=1)
KEEP = Retention(
    capture=timedelta(days=7),
    message_log=timedelta(days=1),
    delivery=timedelta(days=7),
    batch=timedelta(days=2),
    rejection=timedelta(days=1),
    inbox=timedelta(days=2),
    rerun=timedelta(days=1),
    drift=timedelta(days=1),
)
"""Each for as short a time as is allowed; outcomes are kept, as the archive lacks them."""
LATER = timedelta(days=62)
"""Two months are over then."""
FILTERS: Mapping[str, Callable[[Rejection], RejectionFilter]] = {
    "code": lambda one: RejectionFilter(code=one.code),
    "stream": lambda one: RejectionFilter(stream=one.stream),
    "class": lambda one: RejectionFilter(category=one.class_),
    "connection": lambda one: RejectionFilter(connection=one.connection),
    "age": lambda _: RejectionFilter(older_than=HOUR),
}
"""What the rejections that are retried together have in common with one of them."""
COMMON: Mapping[str, Callable[[Rejection], Any]] = {
    "code": lambda one: one.code,
    "stream": lambda one: one.stream,
    "class": lambda one: one.class_,
    "connection": lambda one: one.connection,
    "age": lambda one: one.age >= HOUR,
}
"""The same, by the rejection itself."""

RULES: Mapping[str, tuple[str | None, str]] = {
    "deleted": ("cancel", "report"),
    "default_shipping_method": (None, "Ground"),
}
"""A rule of orders -> two values of it."""


@operation("operator", 6)
def sync(life: Life) -> None:
    """Let the sensor of changes tick and its runs end."""
    life.world.pass_time(timedelta(seconds=3))
    life.live()


@operation("operator", 2, stream=STREAM)
def sync_stream(life: Life, stream: str) -> None:
    """Let one chain run."""
    life.world.pass_time(timedelta(seconds=3))
    life.live(stream)


@operation("operator", 2)
def finish(life: Life) -> None:
    """Let the sensor of unfinished work tick and its runs end."""
    life.attempt(life.runs.unfinished)


@operation("operator", 1)
def sweep(life: Life) -> None:
    """Let the half-hourly sweep run."""
    life.sweep()


@operation("operator", 1, stream=STREAM, force=among(False, False, True), back=between(0, 1))
def rerun(life: Life, stream: str, force: bool, back: int) -> None:
    """Run a partition again."""
    day = (life.world.clock.now() - timedelta(days=back)).date()
    before = life.shown()
    if not life.attempt(life.runs.rerun, stream, day, force=force) and life.has_died():
        life.attempt(life.runs.rerun, stream, day, force=force)  # as Dagster's run retries do
    if stream == "orders":
        life.note(before, complete=False)


@operation("operator", 2)
def retry(life: Life) -> None:
    """Retry all open rejections, without a reason: that approves nothing."""
    found = open_rejections(life)
    if not found:
        raise NotPossibleError
    with life.world.ledger.session(NAME, "") as session:
        operator_actions.queue_retry(session.db, found, WHO, "as_captured", "")
    life.attempt(life.runs.requested)


@operation("operator", 1, place=between(0, 3), by=among(*FILTERS))
def retry_by(life: Life, place: int, by: str) -> None:
    """Retry the open rejections that have something in common, as a filter of the command does."""
    found = open_rejections(life)
    if not found:
        raise NotPossibleError
    one = found[place % len(found)]
    with life.world.ledger.session(NAME, "") as session:
        chosen = work_queue.find(session.db, FILTERS[by](one))
        _compare(life, by, chosen, [each for each in found if _is_like(each, one, by)])
        operator_actions.queue_retry(session.db, chosen, WHO, "as_captured", "")
    life.attempt(life.runs.requested)


def _is_like(each: Rejection, one: Rejection, by: str) -> bool:
    common = COMMON[by]
    return bool(common(each)) if by == "age" else common(each) == common(one)


def _compare(life: Life, by: str, chosen: Sequence[Rejection], wanted: Sequence[Rejection]) -> None:
    """Note if a filter chooses others than those that have in common what it says."""
    found, right = ({one.rejection_id for one in each} for each in (chosen, wanted))
    if found != right:
        text = f"by {by}, {len(found - right)} too many and {len(right - found)} too few"
        life.facts.broken.append(f"filter_differs: {text}")


@operation("operator", 1, place=between(0, 3))
def discard(life: Life, place: int) -> None:
    """Discard an open rejection."""
    found = open_rejections(life)
    if not found:
        raise NotPossibleError
    one = found[place % len(found)]
    with life.world.ledger.session(NAME, "") as session:
        operator_actions.discard(session.db, [one], WHO, "settled by phone")
    life.facts.discarded.add((one.stream, store_id(one.stream, one.source_id)))


@operation("operator", 1, units=among(0, 2, 5))
def set_safety_stock(life: Life, units: int) -> None:
    """Hold stock back."""
    configure(life, inventory={"safety_stock": units})


@operation("operator", 1, units=among(0, 1, 3))
def set_buffer(life: Life, units: int) -> None:
    """Reserve stock for other channels."""
    configure(life, inventory={"channel_buffer": units})


@operation("operator", 1, policy=among("skip", "number", "stop_tracking"))
def set_infinite(life: Life, policy: str) -> None:
    """Choose how stock without a limit is shown."""
    configure(life, inventory={"infinite": policy})


@operation("operator", 1)
def map_method(life: Life) -> None:
    """Name the shipping method that was missing."""
    methods = {"Ground": "Ground", "Sled": "Express"}
    configure(life, orders={"shipping_methods": methods})


@operation(
    "operator", 1, rule=among("deleted", "default_shipping_method"), is_set=among(True, False)
)
def change_rule(life: Life, rule: str, is_set: bool) -> None:
    """Change a rule of orders while some of them wait: what was sent stays as it was."""
    configure(life, orders={rule: RULES[rule][is_set]})


@operation("operator", 1, back=between(0, 1), repair=among(True, False))
def reconcile(life: Life, back: int, repair: bool) -> None:
    """Compare both systems and the ledger, and repair what differs, or not."""
    day = (life.world.clock.now() - timedelta(days=back)).date()
    life.attempt(life.runs.reconcile, day, repair=repair)
    life.attempt(life.runs.requested)


@both("operator", 0.5, number=NUMBER)
def forget(life: Life, number: int) -> None:
    """Forget the person of an order."""
    person = life.document(number)["order"]["billing_address"]["email"]
    with life.world.ledger.session(NAME, "") as session:
        try:
            name = life.world.connection_of(number)
            done = forgetting.forget(session.db, name, person, WHO)
        except PermanentError:
            raise NotPossibleError from None  # their orders are still to be shipped
    life.facts.forgotten |= {int(one) for one in done.orders if one.isdecimal()}  # a return is none


@operation("operator", 1, policy=among("skip", "zero"))
def set_missing(life: Life, policy: str) -> None:
    """Choose what the store shows for an item that the OMS no longer has."""
    configure(life, inventory={"missing_item": policy})


@operation("operator", 1)
def restart(life: Life) -> None:
    """Restart the daemon."""
    life.world.restart()


@operation("operator", 1, stream=STREAM, seconds=among(30, 400))
def pause(life: Life, stream: str, seconds: int) -> None:
    """Pause a stream, and resume it after a while."""
    with life.world.ledger.session(NAME, "") as session:
        for name in life.world.names:
            activation.pause(session.db, name, [stream], WHO, "maintenance")
    life.world.pass_time(timedelta(seconds=seconds))
    active = [name for name in STREAMS if name != stream]
    life.live(*active)
    life.attempt(life.runs.unfinished)
    with life.world.ledger.session(NAME, "") as session:
        for name in life.world.names:
            activation.resume(session.db, name, [stream], WHO)


@operation("operator", 1)
def prune(life: Life) -> None:
    """Remove what retention removes months later: payloads, calls, deliveries of snapshots."""
    later = life.world.clock.now().date() + LATER
    with life.world.ledger.connect() as db:
        removed = retire(db, KEEP, later)
    if not any(one.rows and not one.kept for one in removed):
        raise NotPossibleError  # all of it is about open work


@operation("operator", 1)
def back_up(life: Life) -> None:
    """Back up the ledger."""
    life.keep_backup()


@operation("operator", 1)
def restore(life: Life) -> None:
    """Restore the last backup, and say so as the documentation asks."""
    life.restore_backup()
    life.world.restart()
    with life.world.ledger.session(NAME, "") as session:
        caution.become_cautious(session.db, "restored by an operator")


def configure(life: Life, **sections: object) -> None:
    """Start a process with a changed configuration, which reopens what it could let through."""
    life.world.restart(**sections)
    with life.world.ledger.session(NAME, "") as session:
        for name, connection in life.world.installation.connections.items():
            reopen(session.db, name, parts_of(connection))
    life.attempt(life.runs.requested)


def open_rejections(life: Life) -> list[Rejection]:
    """Return what is kept out, of all connections."""
    with life.world.ledger.session(NAME, "") as session:
        return work_queue.find(session.db, RejectionFilter())


@at("bigcommerce/manhattan")("operator", 1)
@at("commercetools/manhattan")("operator", 1)
@at("salesforce/manhattan")("operator", 1)
def share_oms(life: Life) -> None:
    """Start with two connections: a store's two channels, and one organisation of an OMS."""
    if life.done:
        raise NotPossibleError
    life.world.add_connection()


@at("manhattan")("operator", 2, orders=among(1, 2, 5, 5))
def create_in_bulk(life: Life, orders: int) -> None:
    """Let new orders be created by several in one call, or by themselves again."""
    life.world.restart(oms={"orders_per_call": orders})
