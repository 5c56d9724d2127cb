"""The hub's API: each module has the operations on one kind of resource as its constant `OPERATIONS`."""
