"""Your taste: people rate photos, and a personal SIAM says what their beauty is made of.

::

    study       what is asked, of which photos
    ratings     answers, on the disk at once
    maps        the photos' pooled attribute maps, cached
    personal    the crowd's templates, moved towards one person
    order       which photo comes next, and how consistent answers are
    agreement   how far several people agree; one order out of comparisons
"""
