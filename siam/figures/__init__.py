"""Figures of explanations, galleries and stored results: Pillow images and charts in one style."""
