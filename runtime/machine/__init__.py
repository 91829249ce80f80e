"""What a person knows of a machine and states once, in the file ``machine.toml`` of its folder."""
