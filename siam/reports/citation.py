"""How to cite the paper and this project, in BibTeX and, for captions, in one line; CITATION.cff says the same."""

PAPER = """@inproceedings{marcos2019semantically,
  author    = {Marcos, Diego and Lobry, Sylvain and Tuia, Devis},
  title     = {Semantically Interpretable Activation Maps: what-where-how explanations within {CNNs}},
  booktitle = {IEEE/CVF International Conference on Computer Vision Workshops},
  year      = {2019},
  eprint    = {1909.08442},
  archivePrefix = {arXiv}
}"""

PROJECT = """@software{siam_explorer,
  author  = {{The SIAM Explorer developers}},
  title   = {SIAM Explorer},
  version = {0.1.0},
  license = {Apache-2.0}
}"""

IN_CAPTIONS = (
    "Method: Marcos, Lobry and Tuia, Semantically Interpretable Activation Maps, ICCV Workshops 2019, "
    "doi:10.48550/arXiv.1909.08442; drawn with SIAM Explorer 0.1.0"
)
