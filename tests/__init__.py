"""Tests; they mirror `siam/` by name."""
