"""What all pages share: the address, what was chosen, and the networks."""
