"""One module per OMS, named after its ``kind``: the class ``System`` simulates a tenant."""
