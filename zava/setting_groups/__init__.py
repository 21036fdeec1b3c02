"""The settings by subject; `zava/settings.py` joins and reads them."""
