"""What it costs, measured: each module prints rows of one table."""
