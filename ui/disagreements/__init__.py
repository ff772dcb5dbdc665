"""Views of the page Disagreements."""
