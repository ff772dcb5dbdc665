"""Photos: picked, uploaded, read, and shown small."""
