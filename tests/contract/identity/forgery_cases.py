"""Tokens that are not well signed, or that bring their own idea of how they are to be verified."""

from collections.abc import Mapping
from typing import Any

from local.entra_issuer.signatures import Algorithm
from tests.contract.identity.case import Case, Presenting, call

_FORM, _ALGORITHM, _UNREADABLE = "401 form of a signed JWT", "401 expected RS256", "401 header of the token"
_SIGNATURE, _UNPUBLISHED, _UNNAMED = "401 signature does not fit", "401 does not publish", "401 does not name the key"


def _parts(change: Presenting) -> Presenting:
    """Return what presents a token whose signature was put through a change."""

    def present(token: str) -> str:
        signed, _, signature = token.rpartition(".")
        return f"Bearer {signed}.{change(signature)}"

    return present


def _with_claims_of_nobody(token: str) -> str:
    header, _, signature = token.split(".")
    return f"Bearer {header}.e30.{signature}"


_OUT_OF_FORM: Mapping[str, tuple[str, Presenting]] = {
    "nothing": ("401 expected a bearer token of tenant", lambda _: ""),
    "another scheme": ("401 expected a bearer token of tenant", lambda token: f"Basic {token}"),
    "the token alone": ("401 expected a bearer token of tenant", lambda token: token),
    "the scheme alone": (_FORM, lambda _: "Bearer"),
    "two blanks": (_FORM, lambda token: f"Bearer  {token}"),
    "two tokens": (_FORM, lambda token: f"Bearer {token}, Bearer {token}"),
    "a line break within": (_FORM, lambda token: f"Bearer {token[:9]}\n{token[9:]}"),
    "two parts": (_FORM, lambda token: f"Bearer {token.rpartition('.')[0]}"),
    "five parts, encrypted": (_FORM, lambda token: f"Bearer {token}.e30.e30"),
    "signs of another alphabet": (_FORM, lambda token: f"Bearer {token}\u0660"),
    "padding behind it": (_FORM, lambda token: f"Bearer {token}=="),
    "longer than 8 KiB": ("401 longer than 8 KiB", lambda token: f"Bearer {token}{'A' * 8192}"),
    "a header that is no JSON": (_UNREADABLE, lambda token: f"Bearer AAAA.{token.partition('.')[2]}"),
    "a header nested deeply": (_UNREADABLE, lambda token: f"Bearer {'W1tb' * 1500}.{token.partition('.')[2]}"),
    "a header that is a list": (_UNREADABLE, lambda token: f"Bearer W10.{token.partition('.')[2]}"),
    "other claims": (_SIGNATURE, _with_claims_of_nobody),
    "no signature": (_SIGNATURE, _parts(lambda _: "")),
    "a signature cut by a sign": (_SIGNATURE, _parts(lambda signature: signature[:-2])),
    "a signature of zeros": (_SIGNATURE, _parts(lambda signature: "A" * len(signature))),
}
_UNREAD_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "a key's address (jku) that holds our keys": {"jku": "{authority}/elsewhere"},
    "a certificate's address (x5u)": {"x5u": "{authority}/elsewhere"},
    "a certificate (x5c)": {"x5c": ["MIIB"]},
}

CASES: tuple[Case, ...] = (
    *(call("form", name, expected, header=header) for name, (expected, header) in _OUT_OF_FORM.items()),
    call("algorithm", "none", _ALGORITHM, algorithm=Algorithm.NONE),
    call("algorithm", "none over a good signature", _ALGORITHM, headers={"alg": "none"}),
    call("algorithm", "nOnE", _ALGORITHM, algorithm=Algorithm.NONE, headers={"alg": "nOnE"}),
    call("algorithm", "HS256 with the public key (PEM)", _ALGORITHM, algorithm=Algorithm.HS256_WITH_PEM),
    call("algorithm", "HS256 with the public key (JWK)", _ALGORITHM, algorithm=Algorithm.HS256_WITH_JWK),
    call(
        "algorithm",
        "HS256 with the PEM, told to be RS256",
        _SIGNATURE,
        algorithm=Algorithm.HS256_WITH_PEM,
        headers={"alg": "RS256"},
    ),
    call("algorithm", "RS384", _ALGORITHM, algorithm=Algorithm.RS384),
    call("algorithm", "RS384, told to be RS256", _SIGNATURE, algorithm=Algorithm.RS384, headers={"alg": "RS256"}),
    call("algorithm", "PS256", _ALGORITHM, algorithm=Algorithm.PS256),
    call("algorithm", "ES256 with a published key", _ALGORITHM, algorithm=Algorithm.ES256, key="elliptic"),
    call(
        "algorithm",
        "ES256, told to be RS256",
        _UNPUBLISHED,
        algorithm=Algorithm.ES256,
        key="elliptic",
        headers={"alg": "RS256"},
    ),
    call("algorithm", "left out", _ALGORITHM, headers={"alg": None}),
    call("algorithm", "a list with RS256 in it", _ALGORITHM, headers={"alg": ["RS256"]}),
    call("key", "none named", _UNNAMED, headers={"kid": None}),
    call("key", "an empty name", _UNNAMED, headers={"kid": ""}),
    call("key", "a number for a name", _UNREADABLE, headers={"kid": 7}),
    call("key", "a path for a name", _UNPUBLISHED, headers={"kid": "../../elsewhere"}),
    call("key", "an address for a name", _UNPUBLISHED, headers={"kid": "{authority}/elsewhere"}),
    call("key", "a query for a name", _UNPUBLISHED, headers={"kid": "x' OR '1'='1\u0000"}),
    call("key", "never published", _UNPUBLISHED, key="foreign"),
    call("key", "never published, under a good name", _SIGNATURE, key="foreign", named="current"),
    call("key", "published for personal accounts", _UNPUBLISHED, key="consumer"),
    call("key", "published, and too short", _UNPUBLISHED, key="weak"),
    call("key", "brought along (jwk), under a good name", _SIGNATURE, key="foreign", named="current", embedded=True),
    call("key", "brought along (jwk), under its own name", _UNPUBLISHED, key="foreign", embedded=True),
    *(
        call("key", f"{name}: nothing is asked there", _UNPUBLISHED, key="foreign", headers=headers)
        for name, headers in _UNREAD_HEADERS.items()
    ),
    *(
        call("key", f"{name}, on a good token", "200 viewer", headers=headers)
        for name, headers in _UNREAD_HEADERS.items()
    ),
    call("key", "what must be understood (crit)", _UNREADABLE, headers={"crit": ["exp"], "exp": 1}),
    call("key", "claims that are not encoded (b64)", _UNREADABLE, headers={"b64": False, "crit": ["b64"]}),
)
