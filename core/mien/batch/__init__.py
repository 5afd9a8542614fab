"""Many media at once: a folder tree found, looked into, analysed by several workers, and summed up (`mien scan`)."""
