"""Azure App Configuration's data plane: key-values, labels, ETags, locks, sync tokens, and sites that read flags."""
