"""Gets schemathesis past the door: half of its calls are about what is there, with what a person would take care of."""

import os
from datetime import UTC, datetime
from typing import Any

import schemathesis

from tests.functional.app.tenant_app import WORKLOAD

ROLLBACK = "A_ROLLBACK_THAT_ENDED"  # the environment variable that names one


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:  # noqa: ARG001  # hooks are checked for these names
    """Aim a call; whether it is aimed is told by what was drawn, so that a run can be repeated."""
    if len(f"{case.path_parameters}{case.body}") % 2:
        return
    _set(case.path_parameters, name=WORKLOAD, id=os.environ[ROLLBACK])
    _set(case.body, confirm=WORKLOAD)
    for sample in _samples(case.body):
        _set(sample, signal="orders.amount", at=datetime.now(UTC).isoformat())


def _set(part: Any, **values: str) -> None:
    """Put values in the place of texts that are there."""
    if isinstance(part, dict):
        part |= {name: value for name, value in values.items() if isinstance(part.get(name), str)}


def _samples(body: Any) -> list[Any]:
    samples = body.get("samples") if isinstance(body, dict) else None
    return samples if isinstance(samples, list) else []
