"""What must hold of a build that went forward by shares, by those outside: ARM's rules, and the people who met it."""

from math import sqrt

from local.demo.expectations import Expect, Expectation
from local.demo.promoting import share_seen, shares_seen
from local.demo.scene import Recording
from local.demo.users import Kind

# Shares are noticed this late: what people met in the last moments of one may be the doing of the next.
_NOTICED_WITHIN_S = 1.0
# Of so many standard deviations one is met in less than one of ten thousand plays.
_DEVIATIONS = 4
_FEWEST_VISITS = 20
# They bring no cookie, so that the front door sends each of their requests where it likes.
_UNPINNED = frozenset({Kind.FRESH, Kind.KEPT_ALIVE})


def shares_were(*percents: float) -> Expect:
    """ARM sent exactly these shares to the new build, one after the other."""

    def check(recording: Recording) -> Expectation:
        wanted = [share_seen(percent) for percent in percents]
        seen = shares_seen(recording.marks)
        listed = ", ".join(f"{percent:g} %" for percent in percents)
        return Expectation(f"ARM sent it {listed} of the requests, in this order", seen == wanted, ", ".join(seen))

    return check


def people_met_it_by(percent: float, until: str) -> Expect:
    """Of the people who came while it had a share, about that share met it.

    Args:
        until: The mark that ended it.
    """

    def check(recording: Recording) -> Expectation:
        begun, ended = recording.marks.get(share_seen(percent)), recording.marks.get(until)
        begun_s, ended_s = (begun.at_s if begun else 0.0), (ended.at_s - _NOTICED_WITHIN_S if ended else 0.0)
        came = [one for one in recording.visits if one.kind in _UNPINNED and begun_s <= one.at_s < ended_s]
        met = sum(one.build == recording.new_build for one in came)
        expected = len(came) * percent / 100
        near = abs(met - expected) <= _DEVIATIONS * sqrt(expected * (1 - percent / 100))
        held = len(came) >= _FEWEST_VISITS and met > 0 and near
        return Expectation(f"with {percent:g} %, about so many met it", held, f"{met} of {len(came)}")

    return check
