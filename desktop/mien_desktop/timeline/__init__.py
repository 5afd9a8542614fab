"""The timelines: lanes of readings over one time axis, drawn from min/max pyramids into images."""
