"""Figures: an explanation, a gallery and stored results as Pillow images and plotly charts of one style."""
