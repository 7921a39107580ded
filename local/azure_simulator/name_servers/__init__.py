"""Name servers of zones and profiles, and resolvers that cache them, on the wire over UDP and TCP."""
