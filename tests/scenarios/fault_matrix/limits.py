"""What the matrix of streams is known to find, and why. Anything beyond is a failure, and so is less.

A sender whose clock jumps back by an hour while the world is bad tells the past anew: what it sends lies among what was
usual before the change. Two judgements that learn their rate from that time lose their alarm until the sender's clock
is right, or until they are blind. What is asked cannot do this: its times are those of the source.
"""

_JUMP = "clock an hour behind"
LIMITS = frozenset(
    {
        (trigger, _JUMP)
        for trigger in ("judge", "judge, two", "more_errors", "judge, hold", "judge, two, hold", "more_errors, hold")
    }
)
