"""Apache Ossie models, formerly Open Semantic Interchange: written and read."""
