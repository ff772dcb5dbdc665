"""The method "own": a pair on words and photos of one's own, in minutes, judged by cross-validation."""
