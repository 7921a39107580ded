"""The matrix of every kind of trigger and every faulty stream of samples, in the pure cycle of the watch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.model.signal import Sample
from shared.model.trigger import Tier
from tests.scenarios.fault_matrix import stream_laws as laws
from tests.scenarios.fault_matrix.cycles import Before, Course, Play, Said
from tests.scenarios.fault_matrix.streams import DEAF, SAME, STREAMS, Moment, Stream
from tests.scenarios.fault_matrix.written import Written

_AFTER = 12
_EACH = frozenset({"nothing", "errors", "no data", "late", "one of five"})
RESUMES = {
    "then all is well again": False,
    "then all of it comes at once": True,
}
STILL_BAD = "then it is still bad"
STANDS_STILL = "the watch stands still"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCell:
    """What one trigger made of one stream, over everything that may have been before it and all that may be out."""

    trigger: str
    tier: Tier
    stream: str
    plays: int
    fail_open: tuple[str, ...]
    outage_caused: tuple[str, ...]
    word: bool = False


class Trials:
    """All plays of a trigger in a tier."""

    def __init__(self, written: Written, tier: Tier = Tier.CRITICAL) -> None:
        self._play = Play(written, tier)
        self._written = written
        self._all = frozenset(written.levels)

    @property
    def names(self) -> list[str]:
        """The streams that it can meet."""
        return [*STREAMS, *RESUMES, STILL_BAD, STANDS_STILL]

    def cell(self, name: str) -> StreamCell:
        """Play a stream in every situation."""
        plays, opened, caused = 0, list[str](), list[str]()
        word = self._written.is_word(name)
        for found_open, found_caused in () if word else self._found(name):
            plays += 1
            opened += found_open
            caused += found_caused
        return StreamCell(
            trigger=self._written.name,
            tier=self._play.tier,
            stream=name,
            plays=plays,
            fail_open=tuple(opened),
            outage_caused=tuple(caused),
            word=word,
        )

    def control(self) -> Iterator[str]:
        """Say what is not as it must be without a fault: it is healthy, then pending, then fires."""
        for before in self._play.befores:
            try:
                self._play.stand(before)
            except AssertionError as error:
                yield str(error)

    def _found(self, name: str) -> Iterator[tuple[list[str], list[str]]]:
        if name in RESUMES:
            yield from self._resumed(in_full=RESUMES[name])
        elif name == STILL_BAD:
            yield from self._still_bad()
        elif name == STANDS_STILL:
            yield from self._stood_still()
        else:
            for out in self._outs(name):
                for before in self._befores(name):
                    yield self._judged(name, before, Course(steps=self._play.outage, stream=STREAMS[name], out=out))

    def _outs(self, stream: str) -> list[frozenset[str]]:
        """All at once; and each by itself, with the streams that differ in what is left of the others."""
        each = [frozenset({name}) for name in sorted(self._all)]
        alone = len(each) > 1 and stream in _EACH and not self._written.holds
        return [self._all, *(each if alone else ())]

    def _befores(self, name: str) -> list[Before]:
        return [one for one in self._play.befores if one is not Before.UNHEARD or name in DEAF]

    def _judged(self, name: str, before: Before, course: Course) -> tuple[list[str], list[str]]:
        said, play = self._play.struck(before, course), self._play
        if name in SAME:
            clean = play.struck(before, Course(steps=course.steps, stream=_true, out=course.out))
            return list(laws.differs(said, clean)), []
        opened = laws.fail_open(play, before, name, course, said)
        return _of(course, opened), _of(course, laws.outage_caused(play, before, name, course, said))

    def _resumed(self, *, in_full: bool) -> Iterator[tuple[list[str], list[str]]]:
        """What was well before an outage is well after it, and does not fire in between."""
        for name in ("nothing", "errors", "no data"):
            if self._written.is_word(name):
                continue
            outage = self._play.outage
            course = Course(steps=outage + _AFTER, stream=STREAMS[name], out=self._all, ends=outage, in_full=in_full)
            said = self._play.struck(Before.QUIET, course)
            yield [], list(laws.outage_caused(self._play, Before.QUIET, "then well", course, said))

    def _still_bad(self) -> Iterator[tuple[list[str], list[str]]]:
        """What was bad before an outage, and is after it, has not become well by what came meanwhile."""
        outage, bad = self._play.outage, [one for one in self._play.befores if one in laws.BAD]
        true = Course(steps=outage + _AFTER, stream=_true, out=self._all)
        for name in ("nothing", "errors", "clock an hour behind", "clock an hour ahead"):
            for before in bad if not self._written.is_word(name) else ():
                course = Course(steps=outage + _AFTER, stream=STREAMS[name], out=self._all, ends=outage)
                said, clean = self._play.struck(before, course), self._play.struck(before, true)
                yield [f"{name}: {wrong}" for wrong in laws.forgets(said, clean)], []

    def _stood_still(self) -> Iterator[tuple[list[str], list[str]]]:
        """Nobody evaluates for a while; then, for one step, nothing has come yet; then all of it comes."""
        still = range(self._play.outage)
        nothing: Stream = DEAF["nothing"]
        for before in self._play.befores:
            course = Course(
                steps=len(still) + _AFTER,
                stream=nothing,
                out=self._all,
                ends=len(still) + 1,
                in_full=True,
                skips=still,
            )
            said: Sequence[Said] = self._play.struck(before, course)
            blind, after = said[:1], said[1:]
            opened = list(laws.fail_open(self._play, before, "nothing", course, blind))
            caused = list(laws.outage_caused(self._play, before, "nothing", course, blind))
            if before is Before.QUIET:
                caused += laws.outage_caused(self._play, before, "then well", course, after)
            yield opened, caused


def _true(moment: Moment) -> Sequence[Sample]:
    return moment.true[-1:]


def _of(course: Course, found: Iterator[str]) -> list[str]:
    return [f"out: {', '.join(sorted(course.out))}; {wrong}" for wrong in found]
