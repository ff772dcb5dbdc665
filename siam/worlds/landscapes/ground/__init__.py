"""Terrain and what lies on it: ground, strips, water; and the sky above."""
