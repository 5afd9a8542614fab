"""Models: the catalogue of what can be had, and the store of what is here."""
