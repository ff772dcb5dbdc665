"""What a network says of rendered scenes beside the truth: what, where, how, and what its errors are made of."""
