"""Microsoft Entra credentials and Key Vault."""
