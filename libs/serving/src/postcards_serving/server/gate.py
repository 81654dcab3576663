"""The gate of a server: its services are named from the first moment, open when loaded, closed before the end."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, cast

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from typing_extensions import override

from postcards_serving.errors import ServiceError, Unavailable
from postcards_serving.rpc.interceptors import is_warm_up

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Gate(grpc.GenericRpcHandler):
    """Answers with the handlers of the servicers while it is open, else UNAVAILABLE with a retry delay.

    A gRPC server takes handlers only before it starts, but should listen before its engine is loaded; so this is
    registered first and filled later. And a gRPC server that is told to stop leaves calls that arrive at that moment
    without answer until its grace is over; so this is closed first.
    """

    def __init__(self, services: Sequence[ServiceDescriptor], warm_up_token: str) -> None:
        """Stands for all methods of `services`. Calls that bring `warm_up_token` enter as soon as it is filled."""
        self._methods = {
            f"/{service.full_name}/{method.name}": method for service in services for method in service.methods
        }
        self._handlers: dict[str, Handler] = {}
        self._token = warm_up_token
        self._is_open = False
        self._refusal: ServiceError = _unavailable("starting")

    def fill(self, register: Callable[[grpc.aio.Server], None]) -> None:
        """Takes the handlers that `register` would add to a server.

        Raises:
            TypeError: a method of the services stays without handler.
        """
        register(cast(grpc.aio.Server, _Registrar(self._handlers)))
        missing = self._methods.keys() - self._handlers.keys()
        if missing:
            raise TypeError(f"no servicer was registered for {', '.join(sorted(missing))}")

    def open(self) -> None:
        """Lets calls of every service in from now on."""
        self._is_open = True

    def refuse(self, refusal: ServiceError) -> None:
        """Answers with `refusal` until it is opened."""
        self._refusal = refusal

    def close(self) -> None:
        """Turns away who comes from now on."""
        self._is_open = False
        self._refusal = _unavailable("stopping")

    @override
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        method = self._methods.get(handler_call_details.method)
        if method is None:
            return None
        known = self._handlers.get(handler_call_details.method)
        if known is not None and (self._is_open or is_warm_up(handler_call_details, self._token)):
            return known
        return _refusing(method, self._refusal)


class _Registrar:
    """Takes handlers in place of a server."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[object]) -> None:
        """Ignored: generated code names every method once more with the call below."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Handler]) -> None:
        """Takes the handlers of one service."""
        self._handlers |= {f"/{service_name}/{name}": handler for name, handler in method_handlers.items()}


def _unavailable(state: str) -> ServiceError:
    return Unavailable(f"the service is {state}", reason=state.upper(), retry_after=1.0)


def _refusing(method: MethodDescriptor, refusal: ServiceError) -> Handler:
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]

    async def refuse(request: object, context: object) -> NoReturn:
        del request, context
        raise refusal.with_traceback(None)

    return cast(Any, make)(refuse)
