"""The messages that host and worker exchange, as plain Python objects.

In Azure these are protobuf classes (FunctionRpc.proto, azure-functions-language-worker-protobuf).
The worker package takes any namespace whose classes have these names and keyword constructors, and
asks a union with `WhichOneof`; this module is that namespace, so names follow the protocol.
"""

from enum import IntEnum
from types import SimpleNamespace
from typing import Any


class _OneOf:
    """A message of which exactly one field is set."""

    def __init__(self, **fields: Any) -> None:
        ((self._kind, self._value),) = fields.items()

    def WhichOneof(self, _union: str) -> str:  # noqa: N802 - the protocol's spelling
        return self._kind

    def __getattr__(self, name: str) -> Any:
        if name == self._kind:
            return self._value
        raise AttributeError(f"{type(self).__name__} holds {self._kind!r}, not {name!r}")


class TypedData(_OneOf):
    """string, bytes, json, http, int, double or a collection."""


class ParameterBinding(_OneOf):
    def __init__(self, name: str, data: TypedData | None) -> None:
        super().__init__(data=data)
        self.name = name


class BindingInfo(SimpleNamespace):
    # directions, and the data type "undefined"; numbers as in FunctionRpc.proto
    undefined = 0
    out = 1
    inout = 2


class StatusResult(SimpleNamespace):
    Failure = 0
    Success = 1
    exception: Any = None


class InvocationResponse(SimpleNamespace):
    # absent from the worker's answer when the function failed
    return_value: TypedData | None = None
    output_data: tuple[ParameterBinding, ...] = ()


class RpcHttpCookie(SimpleNamespace):
    SameSite = IntEnum("SameSite", ["None", "Lax", "Strict", "ExplicitNone"], start=0)


class RpcHttp(SimpleNamespace):
    pass


class RpcException(SimpleNamespace):
    pass


class RpcFunctionMetadata(SimpleNamespace):
    pass


class RpcRetryOptions(SimpleNamespace):
    pass


class WorkerInitResponse(SimpleNamespace):
    pass


class WorkerMetadata(SimpleNamespace):
    pass


class FunctionMetadataResponse(SimpleNamespace):
    pass


class NullableString(SimpleNamespace):
    pass


class NullableBool(SimpleNamespace):
    pass


class NullableDouble(SimpleNamespace):
    pass


class NullableTimestamp(SimpleNamespace):
    pass


class Timestamp(SimpleNamespace):
    pass
