"""`zava check URL`: what only a deployment can show."""
