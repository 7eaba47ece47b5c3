"""moto's server with puts in turn.

moto answers each request in a thread of its own, and looks for the object of a conditional put before it stores the new
one. Two writers of one name could both be told that theirs was stored. S3 never says that.
"""

import threading

from moto.s3.responses import S3Response
from moto.server import main

turn = threading.Lock()
put_object = S3Response.put_object


def put_object_in_turn(response):
    with turn:
        return put_object(response)


S3Response.put_object = put_object_in_turn
main()
