"""Parts of the product that `zava.app` joins: health and the sign-ins."""
