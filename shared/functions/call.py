"""What an operation is called with: who calls, and what was asked for, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.errors import NotAuthenticated
from shared.model.caller import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Call[Body = None, Query = None]:
    """One call, as the types in the operation's signature want it.

    Attributes:
        params: Parts of the path, by their names in the route.
        recognised: Nobody in an operation that is open to all.
        origin: Address that the call came from, as the platform tells it.
    """

    params: Mapping[str, str]
    body: Body
    query: Query
    now: datetime
    recognised: Caller | None
    origin: str = ""

    @property
    def caller(self) -> Caller:
        """Who calls.

        Raises:
            NotAuthenticated: the operation is open to all, and recognised nobody.
        """
        if self.recognised is None:
            raise NotAuthenticated("nobody is recognised here")
        return self.recognised
