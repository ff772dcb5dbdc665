"""One module per command: `add` declares its arguments, `run` carries it out; heavy imports stay inside `run`."""
