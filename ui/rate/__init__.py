"""The page Rate: answers to photos one at a time, and the taste that they show."""
