"""What cards call the groups of people that corpora name by a code."""

LANGUAGES = {"en": "English", "de": "German"}
GENDERS = {"f": "women", "m": "men"}
