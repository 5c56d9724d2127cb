"""What views of changes share: a comparison in words, as text and as JSON."""
