"""Whose turn it is: work that takes long waits in one of these queues, which all visitors share.

In each, a visitor has one job at most: the page that begins another cancels the one before.
"""

from siam.runtime.jobs import Queue

EXPLAINERS = Queue()  # the slow explainers of Compare, and how faithful they are
SCORING = Queue()  # of whole galleries
