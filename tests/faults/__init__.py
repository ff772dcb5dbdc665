"""Commands that are killed, run out of space, may not write, meet themselves, and live through a clock that jumps."""
