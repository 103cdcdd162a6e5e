"""``lockstep catalog``: the alignment, and changes of products by sheet."""
