"""Entry of the `postcards` command."""

import os


def main() -> None:
    """Runs the `postcards` command."""
    # gRPC would tell on the terminal of every server that says goodbye.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    from postcards_cli.app import app

    app()


if __name__ == "__main__":
    main()
