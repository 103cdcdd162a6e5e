"""Commands that run, set up or check Lockstep on this machine."""
