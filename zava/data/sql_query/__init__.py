"""Free SQL: run it, explain an empty answer, hint at names."""
