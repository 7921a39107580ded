"""The name under which a person asks for a rollback: anything but the one that automatic rollbacks have."""

import pytest
from pydantic import ValidationError

from shared.functions.bodies import RollbackBody
from shared.functions.problems import say_fields

_LOOKS_LIKE_IT = {
    "as it is": "watch",
    "capitals": "Watch",
    "all capitals": "WATCH",
    "spaces around": "  watch\t\n",
    "spaces within": "w a t c h",
    "a no-break space": "wat\u00a0ch",
    "a zero-width space": "wat\u200bch",
    "a joiner at the end": "watch\u200d",
    "a byte order mark": "\ufeffwatch",
    "wide letters": "\uff57\uff41\uff54\uff43\uff48",
    "mathematical letters": "\U0001d430\U0001d41a\U0001d42d\U0001d41c\U0001d421",
    "a control character": "watch\x00",
}


def body(requested_by: str) -> RollbackBody:
    return RollbackBody.model_validate(
        {"reason": "customers complain", "confirm": "shop", "requested_by": requested_by}
    )


@pytest.mark.parametrize("name", _LOOKS_LIKE_IT.values(), ids=_LOOKS_LIKE_IT.keys())
def test_the_name_of_the_watch_is_refused_however_it_is_written(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        body(name)
    assert say_fields(caught.value) == (
        "requested_by: `watch` is the name of automatic rollbacks; expected the name of whoever asks"
    )


@pytest.mark.parametrize("name", ["watchman", "the watch", "night watch", "an operator", "w", "Kim"])
def test_any_other_name_is_taken_as_it_is_written(name: str) -> None:
    assert body(f" {name} ").requested_by == name
