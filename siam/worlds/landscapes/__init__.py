"""Rendered landscapes with known truth: what is where, and what a crowd thinks of it."""
