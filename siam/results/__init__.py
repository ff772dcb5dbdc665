"""Stored results as tables: the paper's beside ours, scores, truths, explainers."""
