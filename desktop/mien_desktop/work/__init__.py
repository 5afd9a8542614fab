"""What happens beside the window: background tasks and the engine's worker."""
