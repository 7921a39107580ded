"""Which watches belong together: windows of one recording overlap, so what is near in time must lie in the same fold.

Watches that share an instant were cut from the same recording. The order of a recording is found again from what
overlaps, and it is cut into stretches of equal length. Watches in which a fault was injected have baselines of their
own and are not on the line of the quiet ones: they stand in the order of their ids, which says nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.detection.episodes import Episode

FOLDS = 5
type Instant = tuple[float, ...]


def folded(episodes: Sequence[Episode]) -> list[Episode]:
    """Return the episodes, each with its fold from 0 to 4: no recording's neighbours are apart but at the cuts."""
    placed: list[Episode] = []
    for strip in _strips(episodes):
        size = len(strip)
        placed += [replace(episode, fold=place * FOLDS // size) for place, episode in enumerate(strip)]
    return sorted(placed, key=lambda episode: episode.id)


def _strips(episodes: Sequence[Episode]) -> list[list[Episode]]:
    """Return the episodes of each system and kind in the order of their recording."""
    apart: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    for episode in episodes:
        apart[episode.system, episode.kind].append(episode)
    return [_in_order(strip) for strip in apart.values()]


def _in_order(episodes: Sequence[Episode]) -> list[Episode]:
    """Lay the episodes of one recording one beside the other."""
    offsets: dict[str, tuple[int, int]] = {}
    seen: dict[Instant, list[tuple[str, int]]] = defaultdict(list)
    rows = {episode.id: _instants(episode) for episode in episodes}
    for name, instants in rows.items():
        for place, instant in enumerate(instants):
            seen[instant].append((name, place))
    for piece, episode in enumerate(episodes):
        if episode.id not in offsets:
            _lay(episode.id, piece, rows, seen, offsets)
    return sorted(episodes, key=lambda episode: (*offsets[episode.id], episode.id))


def _lay(
    first: str,
    piece: int,
    rows: Mapping[str, Sequence[Instant]],
    seen: Mapping[Instant, Sequence[tuple[str, int]]],
    offsets: dict[str, tuple[int, int]],
) -> None:
    """Give everything that overlaps with an episode, and what overlaps with that, its place on one line."""
    offsets[first] = (piece, 0)
    waiting = [first]
    while waiting:
        name = waiting.pop()
        start = offsets[name][1]
        for place, instant in enumerate(rows[name]):
            for other, its_place in seen[instant]:
                if other not in offsets:
                    offsets[other] = (piece, start + place - its_place)
                    waiting.append(other)


def _instants(episode: Episode) -> list[Instant]:
    """Return what all signals said at each instant: the same numbers in all of them are the same moment."""
    lines = [[sample.value for sample in line.samples] for line in episode.lines]
    return [tuple(value or 0.0 for value in instant) for instant in zip(*lines, strict=False)]
