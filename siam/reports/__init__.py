"""An explanation to take away: PNG, JSON and HTML, and how to cite it."""
