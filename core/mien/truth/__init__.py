"""Checking readings against the truth: label files are read, matched with readings, and scored."""
