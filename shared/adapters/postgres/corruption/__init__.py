"""A search for rows that nobody wrote and that are not the same."""
