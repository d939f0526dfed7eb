"""Ports: what each kind of backend must do, one protocol a module.

A backend is made by a factory ``factory(url) -> backend`` that an entry point names: group ``dinnerkit.<kind>``, name = the URL's scheme.
"""
