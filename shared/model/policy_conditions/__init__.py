"""The triggers of a policy as they are written: one entry a kind, which its key names."""
