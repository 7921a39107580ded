"""Which keys were written since a point in time, by triggers of the database itself."""
