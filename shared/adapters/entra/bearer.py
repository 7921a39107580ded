"""Whether a header holds a token at all, and which key it says it was signed with. Nothing of it is trusted yet.

https://www.rfc-editor.org/rfc/rfc6750 (the header), https://www.rfc-editor.org/rfc/rfc8725 (what to be wary of)
"""

import re
from dataclasses import dataclass

from shared.errors import NotAuthenticated

ALGORITHM = "RS256"  # the only one that Entra ID signs access tokens with
LONGEST_TOKEN_BYTES = 8 * 1024

_SCHEME = "bearer"
# Three parts in base64url without padding (RFC 7515, 7.1); a decoder that takes more gives one token many spellings.
# The signature may be empty: that of `none` is, and the sentence should be about the algorithm.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token as it came, with the name of the key that it claims to be signed with."""

    token: str
    key_id: str


def bearer(authorization: str, wanted: str) -> Bearer:
    """Read an `Authorization` header.

    Args:
        wanted: What was expected, for the sentence that refuses.

    Raises:
        NotAuthenticated: there is no token that could be verified.
    """
    token = _token(authorization, wanted)
    from jwt import PyJWS, PyJWTError

    try:
        header = PyJWS().get_unverified_header(token)
    except PyJWTError:  # its text may quote the token
        raise NotAuthenticated("the header of the token cannot be read; expected a signed JWT") from None
    if header.get("alg") != ALGORITHM:
        raise NotAuthenticated(f"the token is signed with another algorithm; expected {ALGORITHM}")
    if not header.get("kid"):
        raise NotAuthenticated("the token does not name the key that it was signed with (kid)")
    return Bearer(token, header["kid"])


def _token(authorization: str, wanted: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != _SCHEME:
        raise NotAuthenticated(f"expected {wanted}")
    if len(token) > LONGEST_TOKEN_BYTES:
        raise NotAuthenticated(f"the token is longer than {LONGEST_TOKEN_BYTES // 1024} KiB")
    if not _COMPACT.fullmatch(token):
        raise NotAuthenticated("the token is not in the form of a signed JWT; expected three parts in base64url")
    return token
