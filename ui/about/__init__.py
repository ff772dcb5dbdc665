"""Views of the page About."""
