"""What Resource Manager tells a caller of its own roles."""
