"""Names of the DNS as they are compared: without their last dot, in lower case (RFC 4343)."""


def plain(value: str) -> str:
    """Return a name so; an address stays what it is."""
    return value.rstrip(".").lower()
