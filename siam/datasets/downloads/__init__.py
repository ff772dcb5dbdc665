"""Downloads of datasets that resume, wait politely, and never leave half a file under its final name."""
