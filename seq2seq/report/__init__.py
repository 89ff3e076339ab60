"""What models do, as pictures and pages."""
