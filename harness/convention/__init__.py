"""The kit that frameworks are written with."""
