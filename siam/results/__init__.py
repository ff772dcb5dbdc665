"""Stored results as tables: the paper's figures beside ours, scores, truths and explainers."""
