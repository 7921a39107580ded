"""What can go wrong, as the person at the terminal reads it.

HostError                 the host does not start
├── ConfigurationError    host.json, an app setting or a binding is not usable: one sentence, by name
└── LoadError             function_app.py could not be imported: no function of the app loads
FunctionFailed            one invocation raised, or its output could not be stored
"""


class HostError(Exception):
    """Ends the host before it takes work."""


class ConfigurationError(HostError):
    """The sentence names the file, setting or function to correct."""


class LoadError(HostError):
    """Carries the worker's own traceback."""


class FunctionFailed(Exception):
    """`trace` is the app's traceback, for the log; it never reaches an HTTP caller."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace
