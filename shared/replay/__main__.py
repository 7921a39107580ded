"""`python -m shared.replay POLICY SAMPLES` plays a policy over recorded samples: what it would have decided, and when.

Samples are CSV or JSON lines of `signal,at,value,count,outcome`, answers of Azure Monitor, or rows of the app's own
table. With `--labels`, it says how good the policy is. Ends with 0: done; 1: a requirement is not met; 2: something
is wrong with what was given.
"""

import argparse
import gc
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import batched
from pathlib import Path

from rich.console import Console

from shared.errors import InvalidInput
from shared.model.budget import Budget
from shared.model.policy import Policy
from shared.policy import AnySettings, read_for
from shared.replay import show
from shared.replay.labels import Watch, read_changes, read_labels
from shared.replay.player import Played, Player, Recorded
from shared.replay.recordings import read_recordings
from shared.replay.require import Requirement, missed, parse_requirements
from shared.replay.scores import NOTHING_KNOWN, Scores, Tally, figures_of, scores_of
from shared.replay.sweep import Variant, parse_sweep, variants_of
from shared.replay.walk import Moment, Tell
from shared.replay.world import Announced

_BATCH = 10_000
_FIGURES = frozenset(figures_of(NOTHING_KNOWN))
_NO_LIMITS = {"cool_down": timedelta(seconds=1), "budget": Budget(10**6, timedelta(seconds=1)), "observe_only": False}
_WIDE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a replay is asked for.

    Attributes:
        watches: What is known of the recording; `None` when nothing is.
    """

    variants: Sequence[Variant]
    changes: Sequence[Announced]
    watches: Sequence[Watch] | None
    requirements: Sequence[Requirement]


@dataclass(slots=True)
class Found:
    """What one variant came to."""

    variant: Variant
    player: Player
    tally: Tally
    played: Played | None = field(default=None)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command; returns its exit status."""
    given = _parser().parse_args(arguments)
    try:
        policy = _policy(given, environment)
        asked = _asked(given, policy)
        samples = read_recordings(given.samples, policy, in_order=not given.sort)
        return _replay(given, asked, samples)
    except InvalidInput as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.replay", description=__doc__)
    parser.add_argument("policy", type=Path)
    parser.add_argument("samples", type=Path, nargs="+", help=".csv, .jsonl or .json; several are played as one")
    parser.add_argument("--labels", type=Path, help="CSV of watches: from,to,faulty")
    parser.add_argument("--changes", type=Path, help="CSV of changes: from,to,build; a file of labels will do")
    parser.add_argument("--sweep", action="append", default=[], metavar="TRIGGER.KEY=A,B", help="play other values too")
    parser.add_argument("--require", metavar="FIGURE>=X,...", help=f"of {', '.join(sorted(_FIGURES))}")
    parser.add_argument("--unlimited", action="store_true", help="as without cool-down, budget and observe_only")
    parser.add_argument("--sort", action="store_true", help="the files are not in order of time: sort them in memory")
    parser.add_argument("--every-cycle", action="store_true", help="tell every cycle, not only those of a change")
    parser.add_argument("--any-settings", action="store_true", help="do not ask for the settings the policy names")
    parser.add_argument("--json", action="store_true", help="print JSON lines: one a moment, the last one sums up")
    return parser


def _policy(given: argparse.Namespace, environment: Mapping[str, str]) -> Policy:
    if not given.policy.is_file():
        raise InvalidInput("there is no such file; expected a policy", where=str(given.policy))
    policy = read_for(given.policy, AnySettings() if given.any_settings else environment)
    if not given.unlimited:
        return policy
    return policy.changed(guards=policy.guards.model_copy(update=_NO_LIMITS))


def _asked(given: argparse.Namespace, policy: Policy) -> Asked:
    if given.require and not given.labels:
        raise InvalidInput("nobody can tell without labels; expected --labels", where="--require")
    if given.require and given.sweep:
        raise InvalidInput("one policy is held against it; expected no --sweep beside it", where="--require")
    for file in (given.labels, given.changes):
        if file is not None and not file.is_file():
            raise InvalidInput("there is no such file; expected CSV", where=str(file))
    return Asked(
        variants=variants_of(policy, [parse_sweep(one) for one in given.sweep]),
        changes=read_changes(given.changes) if given.changes else (),
        watches=read_labels(given.labels) if given.labels else None,
        requirements=parse_requirements(given.require, _FIGURES) if given.require else (),
    )


def _replay(given: argparse.Namespace, asked: Asked, samples: Iterable[Recorded]) -> int:
    console = _console()
    tell = _teller(console, as_json=given.json)
    found = [_found(one, asked, [] if given.sweep else [tell], given) for one in asked.variants]
    for batch in batched(samples, _BATCH, strict=False):
        for one in found:
            one.player.feed(batch)
    for one in found:
        one.played = one.player.finish()
    _refuse_nothing(found[0])
    if given.sweep:
        _tell_sweep(console, asked, found, as_json=given.json)
        return 0
    return _tell_end(console, asked, found[0], as_json=given.json)


def _console() -> Console:
    """Nothing is folded where it is no terminal: whoever reads it wants whole lines."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=_WIDE)


def _teller(console: Console, *, as_json: bool) -> Tell:
    def tell(moment: Moment) -> None:
        if as_json:
            sys.stdout.write(f"{show.line(show.moment_json(moment))}\n")
        else:
            for line in show.moment_lines(moment):
                console.print(line)

    return tell


def _found(variant: Variant, asked: Asked, listeners: Sequence[Tell], given: argparse.Namespace) -> Found:
    tally = Tally()
    player = Player(variant.policy, [tally, *listeners], changes=asked.changes, all_cycles=given.every_cycle)
    return Found(variant, player, tally)


def _refuse_nothing(found: Found) -> None:
    """A recording of none of the signals would say that all is well forever, or blind.

    Raises:
        InvalidInput: it is such a recording.
    """
    played, policy = found.played, found.variant.policy
    if played is None or not played.samples.keys() & policy.signals.keys():
        names = ", ".join(sorted(played.samples)) if played and played.samples else "nothing"
        wanted = ", ".join(sorted(policy.signals))
        raise InvalidInput(f"the recording holds {names}; expected signals of the policy: {wanted}", where="SAMPLES")


def _scores(found: Found, asked: Asked) -> Scores | None:
    if asked.watches is None or found.played is None:
        return None
    return scores_of(found.tally.alarms, asked.watches, found.played)


def _tell_end(console: Console, asked: Asked, found: Found, *, as_json: bool) -> int:
    scores, played, tally = _scores(found, asked), found.played, found.tally
    if played is None:
        return 0
    figures = figures_of(scores) if scores else {}
    if as_json:
        sys.stdout.write(f"{show.line(show.summary_json(played, tally.alarms, tally.held_back, figures))}\n")
    else:
        console.print()
        for line in (*show.summary_lines(played, tally), *(show.score_lines(scores) if scores else ())):
            console.print(line, markup=False)
    reasons = [why for one in asked.requirements if (why := missed(one, figures)) is not None]
    if reasons:
        sys.stderr.write(f"not met: {'; '.join(reasons)}\n")
    return 1 if reasons else 0


def _tell_sweep(console: Console, asked: Asked, found: Sequence[Found], *, as_json: bool) -> None:
    table = show.variants_table(list(found[0].variant.values))
    for one in found:
        scores = _scores(one, asked)
        if one.played is None:
            continue
        if as_json:
            figures = figures_of(scores) if scores else {}
            summary = show.summary_json(one.played, one.tally.alarms, one.tally.held_back, figures)
            sys.stdout.write(f"{show.line({'sweep': dict(one.variant.values), **summary})}\n")
        else:
            table.add_row(*one.variant.values.values(), *show.variant_row(one.played, one.tally.alarms, scores))
    if not as_json:
        console.print(table)


if __name__ == "__main__":
    # Samples and marks hold no circles: to look for some among millions of them takes a third of the time.
    gc.set_threshold(200_000, 50, 50)
    sys.exit(main(sys.argv[1:], os.environ))
