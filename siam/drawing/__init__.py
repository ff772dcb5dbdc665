"""What all pictures are drawn with: colours, numbers and places in words, maps over photos, and two back ends."""
