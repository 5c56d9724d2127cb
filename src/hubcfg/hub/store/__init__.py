"""What the hub keeps, in one SQLite file: each module has the tables of one matter and the functions over them."""
