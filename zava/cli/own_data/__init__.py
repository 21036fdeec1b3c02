"""Commands about a retailer's own data: import it, and erase or export a customer."""
