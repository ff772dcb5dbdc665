"""Views and work of the page Compare."""
