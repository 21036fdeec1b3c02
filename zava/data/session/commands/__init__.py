"""The commands of a round trip: their texts, the types of their values, their prepared names."""
