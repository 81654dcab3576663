"""What is wrong with a model, for the person who named it."""

from postcards_serving.errors import Code, ServiceError


class ModelUnusable(ServiceError):  # noqa: N818 - the name is a sentence of the domain, as in postcards_serving.errors
    """The model cannot be served. The message is one sentence that says what to do."""

    def __init__(self, message: str) -> None:
        """Says why."""
        super().__init__(Code.FAILED_PRECONDITION, "MODEL_UNUSABLE", message)
