"""A mergeable sketch of values: any percentile to within two per cent of its value, in a few hundred bytes.

DDSketch (C. Masson, J. Rim, H. Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019, https://www.vldb.org/pvldb/vol12/p2195-masson.pdf). Which bin a value falls into, and which
value stands for a bin, is the library's; only the bins that hold something are kept, as JSON can write them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsketch.mapping import LogarithmicMapping

# A percentile is within this share of its value.
ACCURACY = 0.02
# 300 bins of 4 % reach over more than five decades; beyond that the values nearest to zero are told apart no more.
MOST_BINS = 300
_LIKE_ZERO = 1e-9
_LARGEST = 1e18


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Values by bin.

    Attributes:
        above, below: How many observations of positive and of negative values each bin holds.
        zeros: How many are zero, or nearer to it than 1e-9.
    """

    above: dict[int, int] = field(default_factory=dict)
    below: dict[int, int] = field(default_factory=dict)
    zeros: int = 0


def sketch_of(values: Iterable[tuple[float, int]]) -> Sketch:
    """Return the sketch of values, each with the number of observations that it stands on."""
    above: Counter[int] = Counter()
    below: Counter[int] = Counter()
    zeros = 0
    for value, count in values:
        if abs(value) < _LIKE_ZERO:
            zeros += count
        else:
            (above if value > 0 else below)[_mapping().key(min(abs(value), _LARGEST))] += count
    return Sketch(above=_bounded(above), below=_bounded(below), zeros=zeros)


def merged_sketches(parts: Iterable[Sketch]) -> Sketch:
    """Return the sketch of the values of all parts, exactly as if it had been made of all of them at once."""
    above: Counter[int] = Counter()
    below: Counter[int] = Counter()
    zeros = 0
    for part in parts:
        above.update(part.above)
        below.update(part.below)
        zeros += part.zeros
    return Sketch(above=_bounded(above), below=_bounded(below), zeros=zeros)


def quantile(sketch: Sketch, share: float) -> float | None:
    """Return the value that this share of all observations does not exceed; `None` when there are none.

    Args:
        share: 0 to 1; 0.95 is the 95th percentile.
    """
    from ddsketch.ddsketch import BaseDDSketch
    from ddsketch.store import DenseStore

    stores = DenseStore(), DenseStore()
    for store, bins in zip(stores, (sketch.above, sketch.below), strict=True):
        for key, count in bins.items():
            store.add(key, count)
    found: float | None = BaseDDSketch(_mapping(), *stores, sketch.zeros).get_quantile_value(share)
    return found


@cache
def _mapping() -> "LogarithmicMapping":
    """Return the library's mapping, which takes 50 ms to import: whoever makes no roll-ups does not pay for it."""
    from ddsketch.mapping import LogarithmicMapping

    return LogarithmicMapping(ACCURACY)


def _bounded(bins: Mapping[int, int]) -> dict[int, int]:
    """Keep the highest bins and let the lowest of them hold all below: whatever the order of merging, the same."""
    keys = sorted(bins)
    kept = {key: bins[key] for key in keys[-MOST_BINS:]}
    if len(keys) > MOST_BINS:
        kept[keys[-MOST_BINS]] += sum(bins[key] for key in keys[:-MOST_BINS])
    return kept
