"""Whose signature makes a server's certificate good.

The driver brings an OpenSSL of its own that was built elsewhere: its `system` are folders which no machine of ours has,
so that no certificate would ever be good. It is told the file that Python itself goes by.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-SSLROOTCERT
https://docs.python.org/3/library/ssl.html#ssl.get_default_verify_paths
"""

import os
import ssl
from pathlib import Path

import certifi

# By the name that Debian gives it; libpq takes a file, and no folder.
_ALL_OF_A_FOLDER = "ca-certificates.crt"


def authorities() -> str:
    """Return what libpq takes for `sslrootcert`, where the connection string has none."""
    given = os.environ.get("PGSSLROOTCERT")
    if given:
        return given
    known = ssl.get_default_verify_paths()
    if known.cafile:  # it honours SSL_CERT_FILE
        return known.cafile
    if os.environ.get(known.openssl_capath_env):  # which the driver's OpenSSL honours as well
        return "system"
    bundle = Path(known.capath or "") / _ALL_OF_A_FOLDER
    return str(bundle) if bundle.is_file() else certifi.where()
