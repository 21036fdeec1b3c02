"""The console: the page that the local server shows to whoever looks at its address."""
