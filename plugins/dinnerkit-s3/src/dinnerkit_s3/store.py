"""Media as the objects of a bucket."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from dinnerkit.errors import BackendFault, Invalid, SettingError, Unavailable
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.media import (
    MOST_BYTES,
    MOST_LISTED,
    MediaInfo,
    Medium,
    UploadForm,
    check_content_type,
    check_key,
    check_listing,
    check_medium,
)
from dinnerkit_s3.urls import S3Url, parse

CONNECT_SECONDS, READ_SECONDS = 2.0, 5.0
ATTEMPTS = 2
"""In all: a store that hangs is given up after fourteen seconds and a pause of at most one."""

PING_CONNECT_SECONDS, PING_READ_SECONDS = 1.0, 1.5
"""For the one attempt that readiness waits for."""

_MISSING = frozenset({"NoSuchKey", "404"})


class S3Media:
    """Media in a bucket. S3 keeps an object whole or not at all, and shows what was written last to whoever reads.

    Args:
        url: which bucket, and how it is reached.
    """

    def __init__(self, url: S3Url) -> None:
        self._url = url
        self._client = _client(url, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS)
        self._pinging = _client(url, PING_CONNECT_SECONDS, PING_READ_SECONDS, 1)

    def __repr__(self) -> str:
        return f"<S3Media in {self._url.bucket}/{self._url.prefix}>"

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        """Write the object; the store compares it with a digest, and so takes no half of it."""
        check_medium(key, content, content_type)
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        with _unavailable():
            made = self._client.put_object(**self._object(key), Body=content, ContentType=content_type, ContentMD5=digest)
        return MediaInfo(key, len(content), content_type, made["ETag"].strip('"'), _moment(made))

    def get(self, key: str) -> Medium | None:
        """Read the object, if it is no larger than media are."""
        check_key(key)
        with _unavailable():
            try:
                found = self._client.get_object(**self._object(key))
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                raise
            with found["Body"] as body:
                if found["ContentLength"] > MOST_BYTES:
                    raise BackendFault("media: what lies there is larger than media are")
                content = body.read()
        return Medium(_info(key, found), content)

    def stat(self, key: str) -> MediaInfo | None:
        """Ask for the object's head. That says no more than 404 where there is no bucket, so that is asked about then."""
        check_key(key)
        with _unavailable():
            try:
                return _info(key, self._client.head_object(**self._object(key)))
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
            self._client.head_bucket(Bucket=self._url.bucket)
        return None

    def delete(self, key: str) -> None:
        """Remove the object. In a bucket that keeps versions its old ones stay, until a lifecycle rule of the bucket's removes them."""
        check_key(key)
        with _unavailable():
            self._client.delete_object(**self._object(key))

    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        """List what has the prefix, without what is no key of ours; the types are not told by the store."""
        check_listing(prefix, after, limit)
        found: list[MediaInfo] = []
        start = f"{self._url.prefix}{after}" if after else ""
        with _unavailable():
            while len(found) < limit:
                page = self._client.list_objects_v2(
                    Bucket=self._url.bucket, Prefix=f"{self._url.prefix}{prefix}", StartAfter=start, MaxKeys=limit - len(found)
                )
                entries = page.get("Contents", [])
                found += (info for entry in entries if (info := self._listed(entry)) is not None)
                if not page["IsTruncated"] or not entries:
                    break
                start = entries[-1]["Key"]
        return found

    def upload_form(self, key: str, content_type: str, most_bytes: int, seconds: int) -> UploadForm | None:
        """A signed POST for that key and type, of at most so many bytes; the store is not asked for it."""
        check_key(key)
        check_content_type(content_type)
        if not self._url.direct:
            return None
        with _unavailable():
            made = self._client.generate_presigned_post(
                **self._object(key),
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, most_bytes]],
                ExpiresIn=seconds,
            )
        return UploadForm(made["url"], made["fields"])

    def download_url(self, key: str, seconds: int) -> str | None:
        """At the public address, where there is one; else a signed one of the store's, where it hands media out."""
        check_key(key)
        if self._url.public:
            return f"{self._url.public}/{self._url.prefix}{key}"
        if not self._url.direct:
            return None
        with _unavailable():
            return str(self._client.generate_presigned_url("get_object", Params=self._object(key), ExpiresIn=seconds))

    def ping(self) -> None:
        """Ask for the bucket, once."""
        with _unavailable():
            self._pinging.head_bucket(Bucket=self._url.bucket)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._pinging.close()

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._url.bucket, "Key": f"{self._url.prefix}{key}"}

    def _listed(self, entry: dict[str, Any]) -> MediaInfo | None:
        key = entry["Key"].removeprefix(self._url.prefix)
        try:
            check_key(key)
        except Invalid:
            return None
        return MediaInfo(key, entry["Size"], "", entry["ETag"].strip('"'), entry["LastModified"].astimezone(UTC))


@built_for(1, S3Media)
def open_media(url: str) -> S3Media:
    """``s3://KEY:SECRET@BUCKET/PREFIX?endpoint=https://…&region=…&direct=yes&public=https://…``, all but the bucket as needed.

    Raises:
        SettingError: the URL makes no sense.
    """
    parsed = parse(url)
    try:
        return S3Media(parsed)
    except (BotoCoreError, ValueError) as error:
        raise SettingError(f"s3: there can be no such client: {type(error).__name__}") from None


def _client(url: S3Url, connect: float, read: float, attempts: int) -> Any:
    """A client of its own session: boto3's is shared by the process, and not safe for threads."""
    session = boto3.session.Session(aws_access_key_id=url.key_id, aws_secret_access_key=url.secret)
    region = url.region or session.region_name or "us-east-1"
    config = Config(
        connect_timeout=connect,
        read_timeout=read,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=url.connections,
        signature_version="s3v4",
        s3={"addressing_style": "path" if url.endpoint else "virtual"},
        # Digests are ours: not all stores take the trailers that boto3 sends by itself.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client("s3", region_name=region, endpoint_url=url.endpoint, config=config, verify=url.ca or None)


def _info(key: str, found: dict[str, Any]) -> MediaInfo:
    moment = found["LastModified"].astimezone(UTC)
    return MediaInfo(key, found["ContentLength"], found.get("ContentType", ""), found["ETag"].strip('"'), moment)


def _moment(answer: dict[str, Any]) -> datetime:
    """When the store answered, by its clock."""
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(told).astimezone(UTC) if told else datetime.now(UTC)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise Unavailable(f"media: the store refuses: {_code(error)[:60] or 'no reason'}") from None
    except (BotoCoreError, HTTPError, OSError) as error:
        raise Unavailable(f"media: the store does not answer: {type(error).__name__}") from None
