"""The built-in modalities, registered exactly as a third party's are."""
