"""Resource Health: what Azure itself says of a resource."""
