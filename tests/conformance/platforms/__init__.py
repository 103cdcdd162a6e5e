"""One module per platform, named after its ``kind``: the class ``System`` simulates a store."""
