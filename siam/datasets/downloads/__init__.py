"""Dataset downloads that resume, respect rate limits, and never leave a partial file under its final name."""
