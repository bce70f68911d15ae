"""What outlives a request and may be asked for later: records and the items they are made of, in SQLite."""
