"""The product's own definitions with waiting times of seconds, not minutes.

So an hour holds hundreds of failures. Nothing else differs; ``dagster code-server start -m
tests.chaos.definitions`` loads these. See docs/chaos.md for the list.
"""

import os
from datetime import timedelta

import dagster as dg

from assets.chain import factory
from assets.streams.actions import plan
from orchestration import schedules
from orchestration.definitions import build
from orchestration.settings import load
from resources import action_folder
from resources.http.policy import ClientPolicy
from resources.ledger.rejections import recovery
from resources.lockstep import Lockstep
from sensors import cursor, health, requeue

SWEEP_MINUTES = int(os.environ.get("CHAOS_SWEEP_MINUTES", "1"))

cursor.FIRST_PAUSE, cursor.LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=5)
cursor.HINT_PATIENCE = timedelta(seconds=10)
requeue.EVERY_SECONDS = 5
requeue.REPEAT_SECONDS, requeue.LONGEST_REPEAT_SECONDS = 10, 20
recovery.FIRST_PAUSE = timedelta(seconds=20)
health.WEBHOOKS_EVERY = timedelta(seconds=30)
ClientPolicy.acts_for = 3.0  # type: ignore[assignment,method-assign]
action_folder.QUIET_SECONDS = 1.0
plan.LATER = timedelta(seconds=5)
factory.RETRIES = dg.RetryPolicy(max_retries=1, delay=1)
schedules.SWEEP_CRON = f"*/{SWEEP_MINUTES} * * * *"


@dg.definitions
def definitions() -> dg.Definitions:
    """Build what the product builds."""
    installation = load()
    return build(installation, Lockstep(installation))
