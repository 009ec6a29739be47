"""Two lists of files held against each other: in order, pair by pair, texts line by line."""
