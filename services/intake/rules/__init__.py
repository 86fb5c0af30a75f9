"""What intake decides, without a database, a clock or a network: facts and `now` in, decision out."""
