"""What a laptop runs instead of Azure."""
