"""Runs plugins over the conformance kit's material, with the branches, checks and fusions that analyse real media."""
