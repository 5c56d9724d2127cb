"""The kinds of documents, one module each with its `KIND`."""
