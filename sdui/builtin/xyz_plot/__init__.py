"""X/Y/Z plot: pictures whose parameters change along up to three axes, as a grid."""
