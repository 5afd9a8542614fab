"""The player: picture, sound, and what is drawn over the picture, all on the analysis' own clock."""
