"""Programs of the checkout that no installation contains."""
