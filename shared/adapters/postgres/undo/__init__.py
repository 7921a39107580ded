"""A way back of rows is itself taken back, from the images that were kept."""
