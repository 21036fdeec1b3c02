"""The console: the page that the local server shows at its address."""
