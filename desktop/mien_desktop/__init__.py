"""The Qt application: views over the engine's results."""
