"""A long run that is asked to stop ends, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import threading

import psycopg
import pytest

from tests.model import stopping
from tests.model.operations.registry import op
from tests.model.program import run


def test_a_run_that_is_asked_to_stop_ends_at_its_next_step():
    """It is not interrupted: a server that is just being started would be left behind."""
    with stopping.stoppable():
        stopping.check()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(SystemExit) as stopped:
            stopping.check()
    assert stopped.value.code == stopping.STOPPED
    stopping.check()


def test_a_run_that_hangs_is_stopped_by_the_second_signal():
    """It never comes to its next step."""
    with stopping.stoppable():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_program_stops_between_two_operations(world):
    """Its other operations are not done."""
    with stopping.stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(SystemExit):
            run(world, [op("place", lines=[("MUG", 1)], number=1001)])
    assert not world.ask_store("truth")["orders"]


def test_the_end_of_all_sessions_does_not_wait_for_those_that_are_opened_then(world):
    """A thread that waits for a quota opens its own again at once: the run hung."""
    enough = threading.Event()

    def open_again() -> None:
        last = psycopg.connect(world.database.url, application_name="lockstep")
        while not enough.is_set():
            with last:
                last = psycopg.connect(world.database.url, application_name="lockstep")
        last.close()

    other = threading.Thread(target=open_again)
    other.start()
    ends = threading.Thread(target=world.database.end_sessions, daemon=True)
    ends.start()
    ends.join(20)
    enough.set()
    other.join()
    assert not ends.is_alive()
