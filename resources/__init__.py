"""Trained weights, icons and the demo clip, found through importlib.resources."""
