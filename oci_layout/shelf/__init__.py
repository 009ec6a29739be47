"""Many sources, one at a time: a shelf of archives, with what is known of each from before."""
