"""“Add a gallery”: the dialog, what it downloads, and its work in the background."""
