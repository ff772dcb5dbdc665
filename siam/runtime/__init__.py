"""How work runs: jobs, processes, devices, memory, files that are whole or absent, and where a result comes from."""
