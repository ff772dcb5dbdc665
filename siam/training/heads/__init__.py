"""The method "heads": heads fitted on the features of a frozen trunk, judged by cross-validation."""
