"""What is never downloaded: files that would leave the folder, and URLs that cannot be read."""

import pytest
from postcards.composer.v1 import composer_pb2 as pb

from postcards_client.downloads import DownloadFailed, download


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "C:x", "a\0b"])
async def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    postcard = pb.Postcard(id="a" * 26, files=[pb.File(name=name, url="file:///etc/hostname")])
    with pytest.raises(DownloadFailed, match="unsafe"):
        await download(postcard, tmp_path)
    with pytest.raises(DownloadFailed, match="unsafe"):
        await download(pb.Postcard(id=name), tmp_path)


@pytest.mark.parametrize("url", ["", "ftp://h/p", "data:,x", "s3://b/k", "http://[::1", "http:///p"])
async def test_files_without_a_readable_url_are_refused(tmp_path, url):
    with pytest.raises(DownloadFailed, match="no URL"):
        await download(pb.Postcard(id="a" * 26, files=[pb.File(name="card.html", url=url)]), tmp_path)


async def test_a_file_that_is_gone(tmp_path):
    url = (tmp_path / "gone").as_uri()
    with pytest.raises(DownloadFailed, match="cannot be read"):
        await download(pb.Postcard(id="a" * 26, files=[pb.File(name="card.html", url=url)]), tmp_path)
