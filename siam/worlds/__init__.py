"""Two rendered worlds with known truth: landscapes, for SIAM; flowers, for explainers."""
