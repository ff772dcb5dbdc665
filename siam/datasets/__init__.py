"""Readers of labelled photos: one file, one layout."""
