"""One module an OMS, named after its ``kind``, which gives ``System``: a simulated tenant and the connector in front of it."""
