"""Rendered flowers, each of a class that one part's colour tells."""
