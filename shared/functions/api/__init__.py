"""The HTTP API, a file for each thing that it is about. Importing it declares every operation, on one blueprint."""

from shared.functions.api import (
    advice,
    asks,
    audit,
    changes,
    databases,
    description,
    fleet,
    health,
    intake,
    metrics,
    promotions,
    rollbacks,
    workloads,
)
from shared.functions.operations import OPERATIONS, api

__all__ = [
    "OPERATIONS",
    "advice",
    "api",
    "asks",
    "audit",
    "changes",
    "databases",
    "description",
    "fleet",
    "health",
    "intake",
    "metrics",
    "promotions",
    "rollbacks",
    "workloads",
]
