"""Views of the page Discover."""
