"""What becomes of the service when parts of it die, hang, or are overrun."""
