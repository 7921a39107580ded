"""What the engine needs from the outside, as Protocols of one to three methods. Adapters and test fakes fulfil them.

Every method may raise `TransientError` or `PermanentError` (`errors.py`) and nothing else on purpose.
"""

from shared.model.checkpoint import Begun, Watched
from shared.ports.advice import Advisor
from shared.ports.data import Checkpointing, Previews, RowsBack, RowsPicture
from shared.ports.ledger import Delete, Insert, Ledger, Put, Replace, Row, Write
from shared.ports.outside import PRODUCTION, Checker, CheckResult, Expected, Prober, Sighting
from shared.ports.people import Channel, Signature, Signer
from shared.ports.queues import SAMPLES, Doorbell, Mail, PoisonQueues, Returns, SetAside, Warmer, queue_of_runs
from shared.ports.sources import Collected, Job, SampleSource, Want
from shared.ports.traffic import Aim, Fence, OperationState, RoadPicture, Routing, SitePicture, SlotSite

__all__ = [
    "PRODUCTION",
    "SAMPLES",
    "Advisor",
    "Aim",
    "Begun",
    "Channel",
    "CheckResult",
    "Checker",
    "Checkpointing",
    "Collected",
    "Delete",
    "Doorbell",
    "Expected",
    "Fence",
    "Insert",
    "Job",
    "Ledger",
    "Mail",
    "OperationState",
    "PoisonQueues",
    "Previews",
    "Prober",
    "Put",
    "Replace",
    "Returns",
    "RoadPicture",
    "Routing",
    "Row",
    "RowsBack",
    "RowsPicture",
    "SampleSource",
    "SetAside",
    "Sighting",
    "Signature",
    "Signer",
    "SitePicture",
    "SlotSite",
    "Want",
    "Warmer",
    "Watched",
    "Write",
    "queue_of_runs",
]
