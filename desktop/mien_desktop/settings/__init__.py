"""Settings: device, models, plugins, appearance, shortcuts, data. Each page works at once, without a restart."""
