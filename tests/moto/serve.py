#!/usr/bin/env python3
"""Starts moto on loopback with the corrections of `patches/` and prints its URL as the only line on stdout.

    tests/.venv/bin/python tests/moto/serve.py [--port 0] [--eks-seconds 0.2] [--until-stdin-closes]

The process ends on SIGINT or SIGTERM; with --until-stdin-closes also when whoever started it is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading

# Read by moto while it is imported: arn:aws:iam::aws:policy/* is unknown without it.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A local AWS for tests: moto with published corrections.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (default) takes a free one")
    parser.add_argument(
        "--eks-seconds",
        type=float,
        default=0.2,
        help="how long a cluster, node group or update is at work before it is done (default 0.2)",
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when stdin is closed")
    parser.add_argument("--log-requests", action="store_true", help="one line a request on stderr")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    try:
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            create_backend_app,
        )
        from werkzeug.serving import WSGIRequestHandler, make_server
    except ImportError as missing:
        sys.exit(
            f"moto is not installed for {sys.executable} ({missing}).\n"
            "Install it: python3 -m venv tests/.venv && "
            "tests/.venv/bin/pip install --require-hashes -r tests/moto/requirements.txt"
        )

    try:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
    except ImportError:  # before moto 5.2
        MotoRequestHandler = WSGIRequestHandler

    import patches

    patches.apply(eks_seconds=options.eks_seconds)

    if not options.log_requests:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(
        "127.0.0.1",
        options.port,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    os.environ["MOTO_PORT"] = str(server.server_port)

    def stop(*_: object) -> None:
        os._exit(0)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if options.until_stdin_closes:

        def watch() -> None:
            while sys.stdin.buffer.read(4096):
                pass
            stop()

        threading.Thread(target=watch, daemon=True).start()

    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
