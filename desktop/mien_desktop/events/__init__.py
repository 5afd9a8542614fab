"""Stretches over a threshold, and what people decide about them."""
