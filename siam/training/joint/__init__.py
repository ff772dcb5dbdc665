r"""The method "joint": the last stages of a backbone learn everything that is known about the photos at once.

::

    photo -> frozen early stages (computed once) -> late stages -> f: attribute maps -> g: score
                                                              \-> the baseline's score, reference features

The early stages keep their ImageNet weights, so their features of every view of every photo are computed once and
cached. The late stages first learn the attributes, then, for each fold of the cross-validation and once for the pair
that is kept, also the outlines drawn by people and the ratings. SIAM takes the average of its weights after both phases
(`JointNetwork.draw_towards`), since those after the first know names best, and those after the second beauty; g is
fitted to its maps. The baseline keeps those after the second.
"""
