"""How a replay is told: to people in a table, to machines in JSON lines."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table
from rich.text import Text

from shared.model.quantity import say_span
from shared.model.trigger import Verdict
from shared.replay.player import Played
from shared.replay.scores import Alarm, Scores, Share, Tally
from shared.replay.walk import Moment

_COLOURS = {Verdict.HEALTHY: "green", Verdict.UNHEALTHY: "red", Verdict.BLIND: "yellow"}


def said(moment: Moment) -> list[tuple[str, str]]:
    """Return what happened in a cycle, each thing with its name: transitions first, then what it all comes to."""
    events = [(event.kind.value, event.sentence) for event in moment.events]
    decision = moment.decision
    told = any(sentence == decision.sentence for _, sentence in events)
    return events if told else [*events, (decision.action.value, decision.sentence)]


def moment_lines(moment: Moment) -> list[Text]:
    """Return a cycle as lines: each thing that happened, with its sentence."""
    verdict, at = moment.decision.verdict, f"{moment.at:%Y-%m-%d %H:%M:%S}"
    return [
        Text.assemble(f"{at}  ", (f"{verdict:<9}", _COLOURS[verdict]), f"  {what:<10}  {sentence}")
        for what, sentence in said(moment)
    ]


def moment_json(moment: Moment) -> dict[str, Any]:
    """Return a cycle as JSON values."""
    decision = moment.decision
    return {
        "at": _iso(moment.at),
        "verdict": decision.verdict,
        "action": decision.action,
        "level": decision.level,
        "trigger": decision.trigger.name if decision.trigger else None,
        "limitation": decision.limitation,
        "sentence": decision.sentence,
        "events": [{"kind": one.kind, "about": one.about, "sentence": one.sentence} for one in moment.events],
    }


def summary_json(
    played: Played, alarms: Sequence[Alarm], held_back: Mapping[str, int], figures: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what it all comes to as JSON values."""
    return {
        "first": _iso(played.first) if played.first else None,
        "last": _iso(played.last) if played.last else None,
        "cycles": played.cycles,
        "samples": played.samples,
        "alarms": [{"at": _iso(alarm.at), "trigger": alarm.trigger} for alarm in alarms],
        "rollbacks": played.rollbacks,
        "held_back": held_back,
        **figures,
    }


def summary_lines(played: Played, tally: Tally) -> list[str]:
    """Say what was played, and how often it came to something."""
    if played.first is None or played.last is None:
        return ["nothing was played: the recording has no samples"]
    samples = sum(played.samples.values())
    lines = [
        f"{samples:,} samples of {len(played.samples)} signals, {played.cycles:,} cycles, "
        f"{_days(played.last - played.first)}: {_count(len(tally.alarms), 'alarm')}, "
        f"{_count(played.rollbacks, 'rollback')} started"
    ]
    return lines + [f"held back {_times(times)}: {why}" for why, times in sorted(tally.held_back.items())]


def score_lines(scores: Scores) -> list[str]:
    """Say how good it is, with exact 95 % bounds."""
    per_month, bounds = scores.per_month, scores.per_month_bounds
    lines = [
        f"recall: {_share(scores.recall, 'faulty watches')}",
        f"false alarms: {_share(scores.false_alarms, 'quiet watches')}",
    ]
    if per_month is not None:
        lines.append(
            f"false alarms a month: {per_month:.3g} ({_count(scores.stray, 'alarm')} in {_days(scores.quiet)}; "
            f"95 %: {bounds.low:.3g} to {bounds.high:.3g})"
        )
    median, p95 = scores.delay(0.5), scores.delay(0.95)
    if median is not None and p95 is not None:
        lines.append(f"detection delay: {say_span(median)} at the median, {say_span(p95)} at the 95th percentile")
    return lines


def variants_table(names: Sequence[str]) -> Table:
    """Return the table of a sweep, without rows."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in (*names, "alarms", "rollbacks", "recall", "false alarms", "a month", "delay", "p95"):
        table.add_column(name, no_wrap=True)
    return table


def variant_row(played: Played, alarms: Sequence[Alarm], scores: Scores | None) -> list[str]:
    """Return what one variant came to, column by column."""
    row = [str(len(alarms)), str(played.rollbacks)]
    if scores is None:
        return [*row, "", "", "", "", ""]
    median, p95 = scores.delay(0.5), scores.delay(0.95)
    return [
        *row,
        _short(scores.recall),
        _short(scores.false_alarms),
        f"{scores.per_month:.3g}" if scores.per_month is not None else "",
        say_span(median) if median is not None else "",
        say_span(p95) if p95 is not None else "",
    ]


def line(value: Mapping[str, Any]) -> str:
    """Return one JSON line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _share(share: Share, of: str) -> str:
    if share.value is None:
        return f"not known: there are no {of}"
    bounds = share.bounds
    return f"{share.value:.1%} ({share.hits} of {share.of} {of}; 95 %: {bounds.low:.1%} to {bounds.high:.1%})"


def _short(share: Share) -> str:
    return f"{share.value:.1%} ({share.hits}/{share.of})" if share.value is not None else ""


def _days(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
