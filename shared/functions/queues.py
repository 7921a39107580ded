"""The queue functions. A message carries ids, or samples; one that cannot be read raises and is moved aside."""

import logging
from datetime import timedelta

import azure.functions as func

from shared.app import app
from shared.errors import TransientError
from shared.functions.messages import ids, one_of, samples

log = logging.getLogger(__name__)
queues = func.Blueprint()
_STORAGE = "AzureWebJobsStorage"
_LATER = timedelta(minutes=1)


def _advance(msg: func.QueueMessage, level: int) -> None:
    """Advance a rollback as far as it goes now, or get ready for one."""
    kind, name = one_of(msg, "rollback", "warm_up")
    log.info(app().warm_up.run(name, level) if kind == "warm_up" else app().rollbacks.advance(name))


@queues.queue_trigger("msg", "rollback-level-1", connection=_STORAGE)
def rollback_level_1(msg: func.QueueMessage) -> None:
    """Traffic back to the known good."""
    _advance(msg, 1)


@queues.queue_trigger("msg", "rollback-level-2", connection=_STORAGE)
def rollback_level_2(msg: func.QueueMessage) -> None:
    """The level above traffic."""
    _advance(msg, 2)


@queues.queue_trigger("msg", "rollback-level-3", connection=_STORAGE)
def rollback_level_3(msg: func.QueueMessage) -> None:
    """The whole system."""
    _advance(msg, 3)


@queues.queue_trigger("msg", "rollback-level-4", connection=_STORAGE)
def rollback_level_4(msg: func.QueueMessage) -> None:
    """Recovery."""
    _advance(msg, 4)


@queues.queue_trigger("msg", "watch", connection=_STORAGE)
def watch_now(msg: func.QueueMessage) -> None:
    """Take in at once what arrived for a workload."""
    (workload,) = ids(msg, "workload")
    log.info(app().watch.take_in(workload))


@queues.queue_trigger("msg", "samples", connection=_STORAGE)
def take_samples(msg: func.QueueMessage) -> None:
    """Take in samples that a workload pushes."""
    body = samples(msg)
    try:
        log.info(app().intake.samples(body.workload, body.by_signal()))
    except TransientError as error:
        log.warning("samples of %s are put back: %s", body.workload[:80], error)
        app().returns.put_back("samples", msg.get_body().decode(), after=_LATER)


@queues.queue_trigger("msg", "notifications", connection=_STORAGE)
def notify(msg: func.QueueMessage) -> None:
    """Tell people from a recorded event."""
    log.info(app().notifications.deliver(*ids(msg, "workload", "delivery")))
