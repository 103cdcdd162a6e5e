"""The schedule is a function of its seed, and holds what it promises."""

from __future__ import annotations

from collections import Counter

from tests.chaos import remote_faults
from tests.chaos.schedule import FAULTS, KILLS, LAST_STRIKE, build


def test_one_seed_is_one_schedule() -> None:
    """A failed run is replayed by its seed alone."""
    assert build(7, 60, 1000) == build(7, 60, 1000)
    assert build(7, 60, 1000).digest() == build(7, 60, 1000).digest()
    assert build(7, 60, 1000).digest() == "d8874e077475", (
        "an old seed no longer replays what it did: say so in docs/chaos.md"
    )


def test_another_seed_is_another_schedule() -> None:
    """Seeds explore different places."""
    assert len({build(seed, 60, 1000).digest() for seed in range(50)}) == 50


def test_the_same_strike_sets_the_same_rules() -> None:
    """What a strike does follows from its own seed, too."""
    for strike in build(3, 200, 2000).strikes:
        if strike.kind in remote_faults.KINDS:
            assert remote_faults.rules(strike.kind, strike.seed) == remote_faults.rules(
                strike.kind, strike.seed
            )
        if strike.victim == "run_sending":
            assert remote_faults.hold(strike.seed) == remote_faults.hold(strike.seed)


def test_every_victim_and_every_fault_is_struck_even_in_a_short_form() -> None:
    """Eight kills reach all victims, and each kind of fault comes once."""
    schedule = build(1, 8, 24)
    assert {strike.victim for strike in schedule.strikes if strike.kind == "kill"} == set(KILLS)
    assert {strike.kind for strike in schedule.strikes} == {"kill", *FAULTS}


def test_as_many_kills_as_were_asked_for_end_before_the_traffic_does() -> None:
    """The last operations are left in peace, so that the last failures have a next run."""
    for kills, operations in ((0, 10), (1, 5), (8, 30), (500, 10_000)):
        schedule = build(11, kills, operations)
        assert sum(strike.kind == "kill" for strike in schedule.strikes) == kills
        assert all(1 <= strike.at <= operations * LAST_STRIKE + 1 for strike in schedule.strikes)


def test_the_long_form_kills_mostly_runs_and_every_other_victim_often() -> None:
    """Runs lose or double records; database, daemon and code server are what all depends on."""
    victims = Counter(
        strike.victim for strike in build(1, 500, 10_000).strikes if strike.kind == "kill"
    )
    assert victims["run"] + victims["run_sending"] > 250
    assert min(victims.values()) >= 20
