"""What all pages share: the address, the choices in the sidebar, and the networks."""
