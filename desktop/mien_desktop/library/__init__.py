"""The library: all analysed media, the search over them, and the queue of media to be analysed."""
