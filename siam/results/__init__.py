"""Stored results as tables: the paper's figures beside ours, scores, outlines, truths and explainers."""
