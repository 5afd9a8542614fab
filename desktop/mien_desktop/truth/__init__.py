"""Readings beside the truth: load labels, see figures, and play each sample from a scatter."""
