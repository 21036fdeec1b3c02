"""What runs elsewhere: pool, embedded server, migrations, local issuer."""
