"""Documents to configuration: checks shape and references, and binds what is left to typed values."""
