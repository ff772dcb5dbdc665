"""The method "heads": heads fitted on the features of a frozen backbone, judged by cross-validation."""
