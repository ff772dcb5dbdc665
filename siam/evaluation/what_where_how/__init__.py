"""What, where and how on rendered scenes, compared with the truth, and what a network's errors are made of."""
