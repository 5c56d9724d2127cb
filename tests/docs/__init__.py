"""Tests that keep the documentation true: its examples run, its transcripts are current, its links lead somewhere."""
