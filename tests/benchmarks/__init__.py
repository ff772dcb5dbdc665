"""Tests of the benchmarks: what they share, and that the one for a GPU runs; not how fast anything is."""
