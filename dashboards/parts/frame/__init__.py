"""The frame of every page, and what all views are made of: tables, tiles, fields, dialogs."""
