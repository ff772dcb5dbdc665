"""“Add a gallery”: the dialog, what it fetches, and its work in the background."""
