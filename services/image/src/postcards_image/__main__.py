"""Starts an image server: `python -m postcards_image`."""

import sys

from postcards.image.v1 import image_pb2

from postcards_image.service import load
from postcards_image.settings import ImageSettings
from postcards_serving.server.process import serve

if __name__ == "__main__":
    sys.exit(serve("image", ImageSettings, [image_pb2.DESCRIPTOR.services_by_name["ImageService"]], load))
