"""The live feed with very many readers, bad networks and rude peers."""
