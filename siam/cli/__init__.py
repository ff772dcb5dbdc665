"""One module per command: `add` declares its arguments, `run` does it; heavy imports stay inside `run`."""
