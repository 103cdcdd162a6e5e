"""What holds up the delivery of a connection's streams: failing targets, and used-up quotas.

A failing target is asked by one cheap call at each tick, so that what is due goes out within half a
minute after it answers again, whatever pause the last run's failure would ask for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from assets.chain.keys import DELIVERED, VALIDATED
from assets.delivery.system import fault_of
from assets.error_redaction import safe_text
from assets.streams.registry import STREAMS
from domain.errors import LockstepError
from resources.http.rate_limit import impatient
from resources.ledger.monitoring import quota_waits
from resources.ledger.monitoring.outages import Outage, note_still_failing, outages
from resources.ledger.monitoring.quota_waits import QuotaWait
from resources.lockstep import Lockstep
from sensors.attempts import Attempt
from sensors.parallel import side_by_side

PROBE_SECONDS = 15.0
"""A failing target may hang."""
FAILING_PAUSE = timedelta(seconds=60)
"""How long the one partition of a failing stream waits that shows whether its target takes it."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets of one connection's streams, as they were found just now."""

    outages: Mapping[str, Outage]
    throttled: Mapping[str, QuotaWait]
    errors: Mapping[str, str]
    """Why a failing target's probe failed, by stream; absent where it answers."""
    renewed_at: datetime | None
    """When the connection's secrets were last seen to have changed."""

    def is_failing(self, stream: str) -> bool:
        """Return whether the stream's target takes nothing, by the last run."""
        outage = self.outages.get(stream)
        return outage is not None and outage.failing_since is not None

    def is_due(self, stream: str, last: Attempt | None, pause: timedelta, now: datetime) -> bool:
        """Return whether a partition may be tried again, whose last run asks for ``pause``.

        What gave way to a quota waits for its permits; what failed is tried as soon as anything
        shows that the target may accept it by now.
        """
        quota = self.throttled.get(stream)
        if quota is not None and quota.until > now:
            return False
        if last is None or (quota is not None and last.ended_at <= quota.until):
            return True
        if any(sign > last.ended_at for sign in self._signs(stream)):
            return True
        if self.is_failing(stream) and stream not in self.errors:
            pause = min(pause, FAILING_PAUSE)
        return last.ended_at + pause <= now

    def _signs(self, stream: str) -> list[datetime]:
        """Return when something changed for the better."""
        outage = self.outages.get(stream)
        signs = [self.renewed_at]
        if outage is not None:
            signs.append(outage.answering_since)
            if outage.failing_since is not None and stream not in self.errors:
                signs.append(outage.target_failed_at)  # a later probe, just now, was answered
        return [sign for sign in signs if sign is not None]

    def lines(self, now: datetime) -> list[str]:
        """Return a sentence for each stream that is held up."""
        held = [f"{one}." for one in self.throttled.values() if one.until > now]
        return held + [
            f"The target of {stream} fails: {text}" for stream, text in self.errors.items()
        ]


def read_targets(lockstep: Lockstep, name: str, streams: Sequence[str]) -> Targets:
    """Return the state of the targets of streams; those that fail are probed."""
    with lockstep.ledger.session(name, "") as session:
        known = outages(session.db, [name])
        throttled = quota_waits.waits(session.db, [name], [VALIDATED, DELIVERED])
    found = {stream: known[key] for stream in streams if (key := f"{name}/{stream}") in known}
    failing = [stream for stream, outage in found.items() if outage.failing_since is not None]
    errors = _errors(lockstep, name, failing)
    with lockstep.ledger.session(name, "") as session:
        for stream, error in errors.items():
            note_still_failing(session.db, name, [stream], error)
    return Targets(found, {one.stream: one for one in throttled}, errors, lockstep.renewed_at(name))


def _errors(lockstep: Lockstep, name: str, failing: Sequence[str]) -> dict[str, str]:
    """Probe the targets of streams, each once; return why they do not answer."""
    by_side: dict[bool, list[str]] = {}
    for stream in failing:
        by_side.setdefault(STREAMS[stream].to_oms, []).append(stream)
    answers = side_by_side(
        {to_oms: partial(_fault, lockstep, name, to_oms) for to_oms in by_side},
        at_once=len(by_side),
        seconds=PROBE_SECONDS,
        name="target",
    )
    texts = dict.fromkeys(answers.late, f"no answer within {PROBE_SECONDS:.0f} s")
    faults = answers.results | answers.errors
    texts |= {side: safe_text(fault) for side, fault in faults.items() if fault is not None}
    return {stream: text for side, text in texts.items() for stream in by_side[side]}


def _fault(lockstep: Lockstep, name: str, to_oms: bool) -> LockstepError | None:
    with impatient():
        return fault_of(lockstep.sync(name, run_id=""), is_oms=to_oms)
