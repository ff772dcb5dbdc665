"""Views of the page Label."""
