"""The captchas: none, a proof of work, and the providers that answer "siteverify"."""
