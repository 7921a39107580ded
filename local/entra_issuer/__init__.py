"""Entra ID for the rig: one tenant that publishes its keys and mints whatever token is asked for, good or forged."""
