"""Scripts in one transaction, with a restore point and a way back."""
