"""A plain HTTP client that sends exactly what it is given: raw paths, raw bytes, chunked when told."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

JSON_MEDIA: Mapping[str, str] = {"Content-Type": "application/json"}
NO_HEADERS: Mapping[str, str] = {}
_ANSWER_WITHIN_S = 30.0
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def media(self) -> str:
        return self.headers.get_content_type()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Api:
    """The app's HTTP API; every call takes a connection of its own."""

    url: str
    key: str = field(repr=False)
    token: str = field(default="", repr=False)

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def send_json(self, method: str, path: str, document: object) -> Answer:
        """Send a value as JSON."""
        return self.send(method, path, json.dumps(document).encode(), JSON_MEDIA)

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        """Send bytes with their length in front."""
        length = {"Content-Length": str(len(body))} if body or method != "GET" else {}
        return self._send(method, path, [body] if body else [], {**headers, **length}, chunked=False)

    def send_chunked(self, method: str, path: str, body: bytes) -> Answer:
        """Send bytes in chunks, their length unsaid."""
        chunks = [body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES)]
        return self._send(method, path, chunks, {**JSON_MEDIA, "Transfer-Encoding": "chunked"}, chunked=True)

    def _send(
        self, method: str, path: str, chunks: Iterable[bytes], headers: Mapping[str, str], *, chunked: bool
    ) -> Answer:
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=_ANSWER_WITHIN_S)
        try:
            connection.putrequest(method, path)
            proofs = {"x-functions-key": self.key, "Authorization": f"Bearer {self.token}" if self.token else ""}
            for name, value in {**proofs, **headers}.items():
                if value:
                    connection.putheader(name, value)
            connection.endheaders(chunks, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
