"""Moments of a workload's own history, as its API tells it."""

from datetime import datetime

from local.demo.world import AppEvent, AppView


def first_event(shown: AppView, kind: str, since: datetime) -> AppEvent | None:
    """Return the first event of a kind after a moment; the history shows the newest first."""
    return next((event for event in reversed(shown.events) if event.kind == kind and event.at > since), None)


def moment_of(shown: AppView, kind: str, since: datetime) -> datetime:
    """Return when it first was so after a moment.

    Raises:
        LookupError: it never was; the message tells the whole history.
    """
    event = first_event(shown, kind, since)
    if event is None:
        told = [f"{each.at} {each.kind}: {each.sentence}" for each in shown.events]
        raise LookupError(f"never was {kind} since {since:%H:%M:%S}; its history: {told}")
    return event.at
