"""Microsoft's Python worker (`azure_functions_runtime`), asked to load an app and to run a function.

The package keeps the app in module globals: one app per process. Its three request functions take
duck-typed messages; `messages` is the namespace they build their answers from.
"""

import logging
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import azure_functions_runtime as runtime

from local.functions_host import messages
from local.functions_host.bindings import FunctionDefinition
from local.functions_host.errors import FunctionFailed, LoadError
from local.functions_host.messages import ParameterBinding, TypedData

NO_RETRY = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)


def new_trace_parent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@dataclass(frozen=True)
class Invocation:
    function: FunctionDefinition
    trigger: TypedData
    metadata: Mapping[str, TypedData] = field(default_factory=dict)
    trace_parent: str = field(default_factory=new_trace_parent)
    id: str = field(default_factory=lambda: str(uuid4()))


async def load_app(app_dir: Path) -> list[Any]:
    """Import function_app.py and answer one metadata object per function; raises LoadError."""
    if not (app_dir / "function_app.py").exists():
        raise LoadError(f"there is no function_app.py in {app_dir}")
    # As in Azure, the app's folder is the working directory and the first place to import from.
    os.chdir(app_dir)
    sys.path.insert(0, str(app_dir))
    worker_logger = logging.getLogger("azure.functions")
    worker_logger.setLevel(logging.CRITICAL)  # an import error is told once, by the LoadError
    runtime.start_threadpool_executor()
    init = await runtime.worker_init_request(
        _request(worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=str(app_dir)))
    )
    if init.result.status != messages.StatusResult.Success:
        raise LoadError(f"no function was loaded:\n{init.result.exception.stack_trace.rstrip()}")
    # Below WARNING it writes two lines per call; the host has its one line for that.
    worker_logger.setLevel(logging.WARNING)
    answer = await runtime.functions_metadata_request(_request())
    return answer.function_metadata_results or []


async def run_function(invocation: Invocation) -> dict[str, TypedData]:
    """Outputs by parameter name, the return value as `$return`; raises FunctionFailed."""
    response = await runtime.invocation_request(_request(invocation_request=_message(invocation)))
    if response.result.status != messages.StatusResult.Success:
        error = response.result.exception
        raise FunctionFailed(error.message, error.stack_trace)
    outputs = {binding.name: binding.data for binding in response.output_data}
    if response.return_value is not None:
        outputs["$return"] = response.return_value
    return outputs


def _message(invocation: Invocation) -> SimpleNamespace:
    parameter = invocation.function.trigger.parameter
    return SimpleNamespace(
        invocation_id=invocation.id,
        function_id=invocation.function.function_id,
        input_data=[ParameterBinding(name=parameter, data=invocation.trigger)],
        trigger_metadata=dict(invocation.metadata),
        trace_context=SimpleNamespace(trace_parent=invocation.trace_parent, trace_state="", attributes={}),
        retry_context=NO_RETRY,
    )


def _request(**message: Any) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(**message), properties={"host": "127.0.0.1", "protos": messages})
