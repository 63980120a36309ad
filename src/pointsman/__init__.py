"""You have a plan; pointsman makes the equipment follow it, and proves that it did."""
