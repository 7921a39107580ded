"""Which keys were written, by a logical slot instead of triggers; the log of keys is the same."""
