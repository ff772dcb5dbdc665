"""Explanations as files to keep: PNG, JSON and HTML, and how to cite SIAM."""
