"""What explainers learn from one network before they can explain it: L-CAM's heads and VEBI's sparse weights."""
