"""The signature of every call to a hook: `t=<Unix seconds>,v1=<hex>`, the HMAC-SHA256 of `<t>.<signed>`.

Receivers compare it in constant time and refuse what was signed too long ago.
"""

import hmac
from datetime import datetime


def hook_signature(secret: str, signed: bytes, now: datetime) -> str:
    """Return the value of the header `X-Signature`.

    Args:
        signed: The body; the path with its query where there is no body.
    """
    now_s = int(now.timestamp())
    digest = hmac.digest(secret.encode(), b"%d.%s" % (now_s, signed), "sha256")
    return f"t={now_s},v1={digest.hex()}"
