"""What pages share: cached networks and explanations, the photo picker, the views of an explanation."""
