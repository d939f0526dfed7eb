"""Ports: what each kind of backend must do, one protocol a module, with what a backend must guarantee in the protocol's docstring.

A backend is made by a factory ``factory(url) -> backend`` that an entry point names: group ``dinnerkit.<kind>``, name = the URL's scheme.
What all of them owe, whatever their kind:

- **The factory refuses a URL that makes no sense** by ``SettingError``, which says what would. A service that is away for a moment is no
  reason to refuse: it must not keep an app from starting.
- **It is shared** by threads and greenlets, and opened anew in a forked child. Several that were opened by the same URL, in one process or
  in many, are at the same place and see the same, unless the backend says that it lives in one process alone.
- **It says what went wrong.** A service that is gone, silent or slow is an error, ``Unavailable`` where the port names no other, within the
  time that the port gives; never an answer that looks like one. Within that time it may try again itself.
- **Its secrets stay its own**: passwords, keys and what guests have trusted us with are in no error, no log and no representation.
- **It can be closed**, where it has ``close``, more than once, and gives back what it holds.

What only some can do is a capability: a protocol of its own beside the port (:mod:`dinnerkit.ports.capabilities` lists them), which nobody
must have. The port says what is done without it.
"""
