"""What was measured, over hours and months: pure functions that describe and advise, and never decide.

Decisions rest on samples alone: no floor below imports this one, so that a roll-up that is late or lost changes none.
"""
