"""The land: its shape, its cover, the strips that cross it, and the water."""
