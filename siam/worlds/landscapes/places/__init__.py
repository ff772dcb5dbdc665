"""Kinds of places, and the plans that are drawn of them."""
