"""What has to be done to other programs' code, and nowhere else."""
