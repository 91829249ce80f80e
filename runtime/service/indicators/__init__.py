"""What is measured of a machine by second and by minute, and what its levels mean."""
