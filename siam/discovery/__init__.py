"""What has no name: parts of the baseline's features that explain what SIAM cannot, and how they become attributes.

`cells` looks at the photos, `directions` takes the features apart, `candidates` asks which part explains what SIAM
leaves, `gallery` does all that for a gallery, and `naming` makes an attribute of a candidate.
"""
