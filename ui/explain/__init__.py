"""Views of the page Explain."""
