"""Views of the page Map."""
