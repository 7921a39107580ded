"""The rig: everything that the product talks to, as real processes on this machine."""
