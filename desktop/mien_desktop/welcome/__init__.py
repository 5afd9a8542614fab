"""What is seen before a medium is open."""
