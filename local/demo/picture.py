"""The timeline as an SVG of 800 px for the README: how people were served each second, and below it what happened when.

Self-contained on purpose: no script, no font and no style from elsewhere, since README viewers strip those.
"""

from collections.abc import Iterator, Sequence
from html import escape

from local.demo.chart import AMBER, BLUE, GREEN, INK, LINE, MARGIN, MUTED, RED, TOP, WIDTH, Scale, chart, text
from local.demo.report import Report
from local.demo.scenarios import SCENARIOS
from local.demo.scene import FAULT, GOOD_BUILD, Recording
from local.demo.timeline import FIRST_BAD_SAMPLE, WELL_AGAIN, Moment

_ROWS_TOP, _ROW_HEIGHT = 347, 23
_LEAD_S = 10.0
# Width of a letter of a bold title as a share of its size, on the broad side.
_EM_OF_BOLD = 0.62
_SMALL = 'font-size="12"'
_DOTS = {
    FAULT: RED,
    FIRST_BAD_SAMPLE: RED,
    "pending": AMBER,
    "firing": RED,
    "blind": AMBER,
    "refused": AMBER,
    "verified": GREEN,
    WELL_AGAIN: GREEN,
}
_FAMILY = "ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"


def picture(report: Report, recording: Recording) -> str:
    """Draw a play that is over."""
    first_s = min(-_LEAD_S, report.timeline[0].at_s - 1)
    scale = Scale(first_s, recording.ended_at_s - recording.zero_s)
    foot_y = _ROWS_TOP + _ROW_HEIGHT * len(report.timeline) + 12
    parts = (
        *_head(report, recording),
        *_guides(report.timeline, scale),
        *chart(report, recording, scale),
        *_rows(report.timeline, scale),
        text(MARGIN, foot_y, _fared(report), fill=MUTED, more=_SMALL),
    )
    return _sheet(foot_y + 26, report.outcome, "\n".join(parts))


def _sheet(height: int, label: str, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="{_FAMILY}" font-size="13" role="img" aria-label="{escape(label)}">\n'
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10" fill="#ffffff" stroke="{LINE}"/>\n'
        f"{content}\n</svg>\n"
    )


def _head(report: Report, recording: Recording) -> Iterator[str]:
    title = SCENARIOS[report.scenario].story
    size = min(18.0, (WIDTH - 2 * MARGIN) / (_EM_OF_BOLD * len(title)))
    yield text(MARGIN, 38, title, more=f'font-size="{size:.1f}" font-weight="600"')
    for y, words in ((60, _times(report)), (78, _ways(report))):
        yield text(MARGIN, y, words, fill=MUTED, more=_SMALL)
    yield text(WIDTH - MARGIN, 105, "requests each second", fill=MUTED, more=f'{_SMALL} text-anchor="end"')
    x = float(MARGIN)
    for color, words in _legend(recording):
        yield f'<rect x="{x:.1f}" y="96" width="10" height="10" rx="2" fill="{color}"/>'
        yield text(x + 16, 105, words, fill=MUTED, more=_SMALL)
        x += 40 + 6.6 * len(words)


def _legend(recording: Recording) -> Iterator[tuple[str, str]]:
    yield GREEN, f"served by {GOOD_BUILD}"
    if any(visit.build == recording.new_build for visit in recording.visits):
        yield BLUE, f"served by {recording.new_build}"
    yield RED, "failed"


def _times(report: Report) -> str:
    said = (f"{name} {seconds:.0f} s" for name, seconds in report.figures().items())
    return " · ".join(said) or "nothing fired"


def _ways(report: Report) -> str:
    return f"{report.way} · swap POSTs: {report.swap_posts} · people are served {report.production_build}"


def _fared(report: Report) -> str:
    phases = {"before": report.users.before, "during": report.users.during, "after": report.users.after}
    said = (f"{name} {tally.requests:,} requests, {tally.failures:,} failed" for name, tally in phases.items())
    return f"users:  {'  ·  '.join(said)}"


def _guides(moments: Sequence[Moment], scale: Scale) -> Iterator[str]:
    """A thin line from every row up to the chart."""
    for row, moment in enumerate(moments):
        x = scale.x(moment.at_s)
        yield (
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{_row_y(row)}" '
            f'stroke="{_dot(moment)}" stroke-opacity="0.35" stroke-dasharray="2 3"/>'
        )


def _rows(moments: Sequence[Moment], scale: Scale) -> Iterator[str]:
    """A dot for every moment, labelled on the side where there is room."""
    for row, moment in enumerate(moments):
        x, y = scale.x(moment.at_s), _row_y(row)
        side, anchor = (12, "start") if x < WIDTH / 2 else (-12, "end")
        yield f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{_dot(moment)}"/>'
        # The white outline keeps a label readable where a guide runs through it.
        yield (
            f'<text x="{x + side:.1f}" y="{y + 4.5}" fill="{INK}" text-anchor="{anchor}" '
            'paint-order="stroke" stroke="#ffffff" stroke-width="4">'
            f'{escape(moment.what)} <tspan fill="{MUTED}">{moment.at_s:+.1f} s</tspan></text>'
        )


def _row_y(row: int) -> int:
    return _ROWS_TOP + _ROW_HEIGHT * row


def _dot(moment: Moment) -> str:
    return _DOTS.get(moment.what, MUTED)
