"""The in-memory bodies that a new plugin begins with: one module for each kind, written for a plugin called ``acme``.

They are modules, and not text, so that they are formatted, linted and type-checked as everything else; a new plugin gets them with its own
name in place of ``acme``, which is ``acme_id`` where it must be an identifier. So a line with that name in it has room for a longer one.
"""
