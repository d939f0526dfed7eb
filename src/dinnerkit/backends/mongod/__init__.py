"""The embedded MongoDB: a real ``mongod`` as a one-member replica set, started on demand and shared by the processes of one app.

Whoever needs the database holds a shared lock on a file, which the kernel frees however the process ends. The first one starts a
*supervisor*: a detached process that runs ``mongod``, starts it again should it die, and takes it down cleanly once nobody holds the lock.

    layout.py      which files lie where
    locks.py       advisory locks on files
    binary.py      finding a mongod
    diagnosis.py   from what a mongod wrote to why it did not start
    process.py     one run of mongod: start, wait until it listens, stop
    supervisor.py  keeping it running as long as it is needed
    member.py      a process that uses it: hold, start, revive, leave
    replica.py     making it a replica set with one user

It runs where ``fcntl.flock`` does: Linux and macOS, on a local disk. On Windows give a ``mongodb://`` URL, or use WSL.
"""
