"""Damaged and odd inputs by the thousand, each of which must get an answer or a refusal in one line.

    python -m tests.fuzz --seconds 60                                every part for a minute in all
    python -m tests.fuzz --pictures 30000 --others 5000 --json FILE  so many inputs, and their counts
    python -m tests.fuzz --only pictures --seed 0 --number 17        one input again

An input depends on the part, the seed and its number alone, so every failure is repeated by the last command.
"""
