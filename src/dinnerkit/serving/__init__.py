"""Serving: gunicorn with gevent workers, and the supervisor that keeps it and its companions alive.

``dinnerkit serve`` is the supervisor. It binds the address, holds the embedded database open, and keeps two processes running: the gunicorn
master, whose workers make the app after they are forked, and where everything is on this machine also ``dinnerkit work``. None of them
outlives the supervisor. Only the command line knows this package.
"""
