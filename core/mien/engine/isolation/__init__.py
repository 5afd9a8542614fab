"""Plugins of others run in processes of their own: shared memory for arrays, limits, nothing unpickled (`docs/plugins.md`)."""
