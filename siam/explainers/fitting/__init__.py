"""What explainers learn for one network before they can explain it: heads of L-CAM, sparse weights of VEBI."""
