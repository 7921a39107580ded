"""What is measured, one command each: `python -m bench` or `python -m bench NAME`."""
