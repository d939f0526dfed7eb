"""The photos of dinnerkit in S3, or any store that speaks like it.

DINNERKIT_MEDIA=s3://BUCKET/PREFIX?region=eu-central-1
DINNERKIT_MEDIA=s3://KEY:SECRET@BUCKET?endpoint=https://minio.example.org
"""

from __future__ import annotations

from dinnerkit_s3.store import open_media

__all__ = ["open_media"]
