"""The pages: rendered on the server, complete without JavaScript, on the same services as the API.

    from dinnerkit.web import mount_pages

    mount_pages(app, url_prefix="/dinners")

Each template can be replaced by one of the same name in the app's own folder; what they are given is said by the views beside them.
"""

from __future__ import annotations

from dinnerkit.web.mounting import mount_pages

__all__ = ["mount_pages"]
