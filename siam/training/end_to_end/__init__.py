"""The method "end-to-end": whole networks, stopped and resumed anywhere with the same result."""
