"""Things that stand in a landscape."""
