"""What `scripts/fuzz` is made of: seeds, mutations, targets, and the loop that runs them."""
