"""What a trigger may ask of its signals: one frozen dataclass a kind, every value in the product's own unit."""
