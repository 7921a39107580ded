"""The queue functions. A message carries ids, samples or a command; one that cannot be read is moved aside."""

import logging
from datetime import timedelta

import azure.functions as func

from shared.app import app
from shared.errors import ControllerError, Refused, TransientError
from shared.functions.advancing import advance
from shared.functions.api.changes import COMMANDED
from shared.functions.messages import command, ids, one_of, samples
from shared.functions.serving import detail
from shared.model.caller import Caller, Proof
from shared.model.command import Command

log = logging.getLogger(__name__)
queues = func.Blueprint()
_STORAGE = "AzureWebJobsStorage"
_LATER = timedelta(minutes=1)
# Who may write to the queue is decided by the storage account; the message itself proves nobody.
_SENDER = Caller(id="queue:commands", name="a sender of the queue", roles=frozenset(), proof=Proof.QUEUE)


def _advance(msg: func.QueueMessage, level: int) -> None:
    """Advance a run as far as it goes now, or get ready for one."""
    kind, name = one_of(msg, "rollback", "warm_up")
    log.info(app().warm_up.run(name, level) if kind == "warm_up" else advance(app().rollbacks, name))


@queues.queue_trigger("msg", "rollback-level-1", connection=_STORAGE)
def rollback_level_1(msg: func.QueueMessage) -> None:
    """Traffic back to the known good."""
    _advance(msg, 1)


@queues.queue_trigger("msg", "rollback-level-2", connection=_STORAGE)
def rollback_level_2(msg: func.QueueMessage) -> None:
    """Data, then traffic."""
    _advance(msg, 2)


@queues.queue_trigger("msg", "rollback-level-3", connection=_STORAGE)
def rollback_level_3(msg: func.QueueMessage) -> None:
    """The whole system."""
    _advance(msg, 3)


@queues.queue_trigger("msg", "rollback-level-4", connection=_STORAGE)
def rollback_level_4(msg: func.QueueMessage) -> None:
    """Recovery."""
    _advance(msg, 4)


@queues.queue_trigger("msg", "promotions", connection=_STORAGE)
def promotions(msg: func.QueueMessage) -> None:
    """A new build forward."""
    _advance(msg, 0)


@queues.queue_trigger("msg", "watch", connection=_STORAGE)
def watch_now(msg: func.QueueMessage) -> None:
    """Take in at once what arrived for a workload."""
    (workload,) = ids(msg, "workload")
    log.info(app().watch.take_in(workload))


@queues.queue_trigger("msg", "checkpoints", connection=_STORAGE)
def keep_checkpoints(msg: func.QueueMessage) -> None:
    """Bring the checkpoints of a workload's databases to where they should be."""
    (workload,) = ids(msg, "workload")
    kept = app().checkpoints.keep(workload)
    log.info("%s: %s", workload, "; ".join(one.sentence for one in kept.by_database.values()))


@queues.queue_trigger("msg", "samples", connection=_STORAGE)
def take_samples(msg: func.QueueMessage) -> None:
    """Take in samples and events that a workload pushes."""
    body = samples(msg)
    try:
        log.info(app().intake.samples(body.workload, body.by_signal(), body.happened()))
    except TransientError as error:
        log.warning("samples of %s are put back: %s", body.workload[:80], error)
        app().returns.put_back("samples", msg.get_body().decode(), after=_LATER)


@queues.queue_trigger("msg", "commands", connection=_STORAGE)
def obey(msg: func.QueueMessage) -> None:
    """Obey a command to a change; one that is refused has its answer, and is not tried again."""
    workload, given = command(msg)
    try:
        sentence = app().control.obey(workload, given, _SENDER.name).sentence
        log.info(sentence)
        _record(workload, given, ok=True, outcome=sentence)
    except Refused as error:
        log.warning("command %s to %s: %s", given.command, workload[:80], error)
        _record(workload, given, ok=False, outcome=str(error))
    except TransientError as error:
        log.warning("command %s to %s is put back: %s", given.command, workload[:80], error)
        app().returns.put_back("commands", msg.get_body().decode(), after=_LATER)


def _record(workload: str, given: Command, *, ok: bool, outcome: str) -> None:
    """Write it to the audit; if that fails it was taken all the same, and must not be taken twice for it."""
    try:
        app().audit.append(_SENDER, COMMANDED.word, workload, detail(COMMANDED, given), ok, outcome)
    except ControllerError as error:
        log.error("command %s to %s is not in the audit: %s", given.command, workload[:80], error)  # noqa: TRY400  # the sentence says it


@queues.queue_trigger("msg", "notifications", connection=_STORAGE)
def notify(msg: func.QueueMessage) -> None:
    """Tell people from a recorded event."""
    log.info(app().notifications.deliver(*ids(msg, "workload", "delivery")))
