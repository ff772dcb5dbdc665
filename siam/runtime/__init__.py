"""How work runs: background jobs, processes, devices, memory, atomic file writes, and where a result comes from."""
