"""`moodfeed like`: tell a running gateway what a person did with a post."""

from enum import StrEnum
from typing import Annotated

import grpc
import typer

from cli.feed_table import FeedRefusedError, refusal
from cli.gateway_access import AuthorityOption, CertificateOption, GatewayAccess, KeyOption, bearer, client_tls
from cli.terminal_text import typed
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.channel import open_blocking_channel

_CALL_SECONDS = 10.0


class Deed(StrEnum):
    """What a person may have done with a post; each value is a verb of the contract in small letters."""

    VIEW = "view"
    LIKE = "like"
    INSPIRE = "inspire"
    SKIP = "skip"
    NOT_INTERESTED = "not-interested"


def like(
    username: Annotated[str, typer.Argument(help="Who likes it; whoever has liked one post is a known user.")],
    post: Annotated[int, typer.Argument(help="The post_id, as feeds show it.")],
    verb: Annotated[Deed, typer.Option(help="What was done, if not a like.")] = Deed.LIKE,
    address: Annotated[
        str, typer.Option(envvar="MOODFEED_GATEWAY_GRPC_ADDRESS", help="host:port of the gateway's gRPC server.")
    ] = "127.0.0.1:50050",
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Record that a person likes a post; their next feed counts it. A token goes in MOODFEED_API_TOKEN."""
    gateway = GatewayAccess.from_environment(address, client_tls(authority, certificate, key))
    interaction = feedback_pb2.Interaction(username=typed(username), post_id=post, verb=f"VERB_{verb.name}")
    with open_blocking_channel(gateway.address, gateway.tls) as channel:
        try:
            answer = feedback_pb2_grpc.FeedbackServiceStub(channel).RecordInteractions(
                feedback_pb2.RecordInteractionsRequest(interactions=[interaction]),
                metadata=bearer(gateway.token),
                timeout=_CALL_SECONDS,
            )
        except grpc.RpcError as error:
            raise refusal(error, gateway.address) from error
    (result,) = answer.results
    if result.result == feedback_pb2.RECORD_RESULT_REJECTED:
        raise FeedRefusedError("REJECTED", result.reason)
    typer.echo(f"recorded as {result.event_id} at position {answer.position}")
