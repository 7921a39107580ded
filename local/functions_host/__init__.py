"""A local Azure Functions host around Microsoft's own Python worker package.

Core Tools download a binary; this host needs none. HTTP, timer and storage queue triggers, HTTP and
queue outputs; whatever else an app binds is refused by name at start. `python -m local.functions_host -h`.
"""
