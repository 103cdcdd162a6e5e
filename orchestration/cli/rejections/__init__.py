"""``lockstep rejections``: lists, shows, retries and discards records kept out of delivery."""
