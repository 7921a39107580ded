"""Plays a policy over recorded samples: what would it have decided, when, and in which words?

`Player` is all that others need: `Player(policy, [listener]).feed(samples).finish()` calls the listener with every
`Moment` at which something changed. `python -m shared.replay` is the command; docs/replay.md tells how to use it.
"""
