"""An OMS in a folder: the smallest connector that carries orders, stock and shipments."""
