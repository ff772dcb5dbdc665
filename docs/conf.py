"""Sphinx: the documentation as a site. `sphinx-build -W --keep-going docs site` builds it, with warnings as errors."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]  # siam, and the extension below

project = "SIAM Explorer"
author = "The SIAM Explorer developers"
copyright = f"2026, {author}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "docs.mathml"]
exclude_patterns = ["_*"]
default_role = "code"
smartquotes = False  # it would make a dash of the two hyphens of an option

myst_enable_extensions = ["dollarmath", "deflist", "amsmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "SIAM Explorer"
html_favicon = "../assets/icon.svg"
html_math_renderer = "mathml"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#008000", "color-brand-content": "#006b00"},
    "dark_css_variables": {"color-brand-primary": "#4cc24c", "color-brand-content": "#6fd06f"},
}
