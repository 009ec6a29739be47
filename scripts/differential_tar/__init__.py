"""Random tars that two readers might read differently, and readers to ask."""
