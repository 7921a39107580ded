"""Tokens of the app's identity for services that are asked without one of Azure's SDKs."""

from shared.adapters.azure_clients import credential
from shared.adapters.azure_errors import translated


def token_for(what: str, audience: str, client_id: str | None) -> str:
    """Return a token; the SDK keeps it until shortly before its end.

    Args:
        what: Whom it is for; ends the sentence of the error.

    Raises:
        TransientError, PermanentError: there is no identity, or it gets no token.
    """
    with translated(f"getting a token for {what}"):
        return str(credential(client_id).get_token(f"{audience}/.default").token)
