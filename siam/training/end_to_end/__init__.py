"""The method "end-to-end": trains whole networks; a run can be stopped and resumed anywhere with the same result."""
