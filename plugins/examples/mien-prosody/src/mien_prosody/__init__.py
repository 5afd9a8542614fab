"""Pitch and speaking rate, and their fusion with conflict: an example of a plugin for Mien."""
