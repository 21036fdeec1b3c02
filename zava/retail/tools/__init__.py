"""The tools, one module each: product text, arguments and answer."""
