"""The land: its shape, what covers it, the strips that run over it, and the water."""
