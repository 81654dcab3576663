"""Entry of the `postcards` command."""


def main() -> None:
    """Runs the `postcards` command."""
    from postcards_client.cli.app import app

    app()


if __name__ == "__main__":
    main()
