"""Networks that enlarge pictures: their files and names, loading, tiles."""
