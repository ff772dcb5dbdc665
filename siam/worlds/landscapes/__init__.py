"""Rendered landscapes: what is where is known, and so is what a crowd thinks of it."""
