"""From what was said to claims on it."""
