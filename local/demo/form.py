"""A person who answers by the form of a page, where there is no browser: the same requests, and none of the looks."""

import re
import time
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus

import httpx

REASON = "the data must be as it was before the migration"
_TITLE = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_WHAT = re.compile(r">What will be done</h2>\s*<p>(.*?)</p>", re.DOTALL)
_ANSWER = re.compile(r'<p class="headline">(.*?)</p>', re.DOTALL)
_NOTICE = re.compile(r'<p class="notice"[^>]*>(.*?)</p>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Read:
    """What the page said before the answer, when the button was pressed (Unix time), and what it said then.

    `notice` is what became of the answer where it was not taken as it was given.
    """

    title: str
    what: str
    pressed_at_s: float
    answer: str
    notice: str = ""

    @property
    def approved(self) -> bool:
        """Whether it has begun; else whoever answered is shown why not."""
        return self.answer.startswith("Approved")


def approve_by_form(link: str) -> Read:
    """Read a question and send its form, as the button does that approves."""
    with httpx.Client(timeout=10.0) as client:
        page = client.get(link).raise_for_status().text
        at_s = time.time()
        answer = client.post(link, data={"answer": "approve", "reason": REASON})
    if answer.status_code != HTTPStatus.CONFLICT:  # not taken, because it has changed: the page says so
        answer.raise_for_status()
    said, notice = _found(_ANSWER, answer.text), _found(_NOTICE, answer.text, "")
    return Read(_found(_TITLE, page), _found(_WHAT, page), at_s, said, notice)


def _found(what: re.Pattern[str], page: str, otherwise: str = "nothing") -> str:
    found = what.search(page)
    return unescape(found[1].strip()) if found else otherwise
