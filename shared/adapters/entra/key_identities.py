"""The app without a tenant: whoever got past the host holds a function key, and more is not known of them."""

from datetime import datetime

from shared.model.caller import Caller, Proof, Role
from shared.ports.people import Presented

# No approver: one key cannot tell two people apart.
_ROLES_OF_A_KEY = frozenset({Role.VIEWER, Role.OPERATOR, Role.ALERT_SENDER})


class KeyIdentities:
    """Fulfils `ports.Identities`."""

    def of(self, presented: Presented, now: datetime) -> Caller:
        """Return the holder of the key; the host has checked it, and nothing else that is presented counts."""
        return Caller(id="key", name="function key", roles=_ROLES_OF_A_KEY, proof=Proof.KEY, origin=presented.origin)
