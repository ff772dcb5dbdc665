"""Views of the page Templates."""
