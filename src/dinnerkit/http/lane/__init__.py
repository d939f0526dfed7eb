"""The fast lane: public answers as stored bytes, given before Flask is entered.

A view says that its answer may be kept (:func:`dinnerkit.http.lane.routes.kept`), and :func:`dinnerkit.http.conditional.public_json` says
of each answer what it is about, by surrogate keys such as ``event:0123…``. Whoever changes what a key stands for calls
:meth:`dinnerkit.http.lane.purging.Purges.purge`, and no process gives what was kept under it any more.

    requests ──► lane.Lane ──► shelf.Shelf        answers in this process, so many bytes of them
                     │  miss ──► direct.Direct     one at a time for each answer; Flask, where that leaves it to it
    changes ──► purging.Purges ──► every shelf, here at once and elsewhere by the bus
"""
