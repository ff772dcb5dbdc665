"""Your taste: people rate photos, and every answer is kept.

::

    study       what is asked, of which photos
    ratings     answers, on the disk at once
"""
