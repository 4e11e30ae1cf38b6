"""How the server is reached: by its own client, on our terms."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from elastic_transport import HttpxAsyncHttpNode, NodeConfig
from elastic_transport.client_utils import url_to_node_config
from elasticsearch import ApiError, AsyncElasticsearch, TransportError

from microblog.adapters import outgoing
from microblog.adapters.search_engine.promise import EngineDown

# What the client would say about each failure is said by us, once.
logging.getLogger("elastic_transport").setLevel(logging.ERROR)


def connect(url: str, *, seconds: float) -> AsyncElasticsearch:
    """A client for the address, with user and password if it has them; it opens nothing yet."""
    return AsyncElasticsearch(
        [url_to_node_config(url, use_default_ports_for_scheme=True)],
        node_class=_Node,
        # We have deadlines and patience of our own.
        request_timeout=seconds,
        max_retries=0,
        retry_on_timeout=False,
    )


class _Node(HttpxAsyncHttpNode):
    """A connection that asks the settings alone: neither proxies nor passwords of the machine."""

    def __init__(self, config: NodeConfig) -> None:
        # Past the parent, which would make a client of its own, and cannot with an IPv6 address.
        super(HttpxAsyncHttpNode, self).__init__(config)
        self.client = httpx.AsyncClient(
            base_url=f"{config.scheme}://{_bracketed(config.host)}:{config.port}{config.path_prefix}",
            limits=httpx.Limits(max_connections=config.connections_per_node),
            verify=outgoing.trust(),
            timeout=config.request_timeout,
            trust_env=False,
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@asynccontextmanager
async def answering(seconds: float) -> AsyncIterator[None]:
    """Whatever goes wrong with the engine, and an answer that is none, is :class:`EngineDown`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise EngineDown(f"no answer within {seconds:g} s") from error
    except (ApiError, TransportError) as error:
        raise EngineDown(str(error)) from error
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise EngineDown("an answer of another shape") from error
