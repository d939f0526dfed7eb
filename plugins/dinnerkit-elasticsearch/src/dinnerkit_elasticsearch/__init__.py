"""The search of dinnerkit in Elasticsearch.

Its factory takes a URL; it is the entry point by which dinnerkit finds it:

    DINNERKIT_SEARCH=elasticsearch://127.0.0.1:9200
    DINNERKIT_SEARCH=elasticsearch+https://name:password@10.0.0.1,10.0.0.2,10.0.0.3?ca=/etc/ssl/ours.pem
"""

from __future__ import annotations

from dinnerkit_elasticsearch.search import open_search

__all__ = ["open_search"]
