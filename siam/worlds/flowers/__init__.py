"""Rendered flowers, each of a class that the colour of one part identifies."""
