"""Drawing: colours, numbers and places in words, maps over photos, and two back ends for shapes."""
