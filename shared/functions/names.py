"""Under which name an act is recorded: the proved one, or the one that a holder of the function key claims to have."""

from unicodedata import normalize

from shared.errors import InvalidInput
from shared.model.caller import Caller, Proof
from shared.model.run import BY_WATCH

KEY_HOLDER = "a key holder"


def signed(caller: Caller, said: str | None, field: str) -> str:
    """Return the name to record.

    Args:
        said: The name in the request, if one is there. A key proves nobody: whoever holds it is who he says he is, and
            the record says so. Who is recognised by more than that is recorded by his own name.
        field: Where it was found.

    Raises:
        InvalidInput: a recognised caller names somebody else.
    """
    if caller.proof is Proof.KEY:
        return f"{KEY_HOLDER} said to be {said}" if said else KEY_HOLDER
    if said is not None and _as_read(said) != _as_read(caller.name):
        raise InvalidInput(f"expected your own name, {caller.name}, or none", where=field)
    # A rollback of the watch is charged and decided again; people choose their names themselves.
    return f"a caller named {caller.name}" if reads_as_the_watch(caller.name) else caller.name


def reads_as_the_watch(name: str) -> bool:
    """Tell whether a name is that of the watch, or looks like it."""
    return _as_read(name) == BY_WATCH


def _as_read(name: str) -> str:
    return "".join(mark for mark in normalize("NFKC", name).casefold() if mark.isprintable() and not mark.isspace())
