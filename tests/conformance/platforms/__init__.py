"""One module a platform, named after its ``kind``, which gives ``System``: a simulated store and the connector in front of it."""
