"""What the package does, in calls: the only place that joins its parts."""
