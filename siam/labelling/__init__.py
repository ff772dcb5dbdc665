"""Words without labels: people say which photos show a word, and a model that learns along asks for the telling ones.

::

    answers   present, absent or unsure, on the disk at once
    marks     where a photo shows a word, if somebody marked it
    table     the answers as attributes.csv, beside what the table held already
    outlines  the marks as regions.npz, with which networks learn where a word is
    photos    of a folder or a gallery, by their names in the table
    features  what a pair's backbone makes of the photos, computed once
    model     which photo comes next, and how well the word is found
"""
