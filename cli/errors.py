"""The errors that a user of the command can fix: shown as one line, without a traceback."""

from bundle.manifest import BundleError
from cli.catalog_client import PostNameError
from cli.certificates import AuthorityError
from cli.gateway_access import CredentialsError
from cli.gateway_calls import CallRefusedError
from cli.one_writer import BusyDirectoryError
from cli.starting import StackError
from cli.told_posts import ToldPostsError
from mood_encoder.encoder_files import TextEncoderError
from pipeline.batch_loss import TrainingError
from pipeline.checkpoint import CheckpointError
from pipeline.clean import CleanError
from pipeline.collect import CollectError
from pipeline.dataset import DatasetError
from pipeline.embed import TextEmbeddingsError
from pipeline.evaluation import EvaluationError
from pipeline.foreign.errors import ImportSourceError
from pipeline.forget import UnknownNameError
from pipeline.forgotten import ForgottenListError
from pipeline.ranking import NotANumberError
from pipeline.raw_store import RawStoreError
from pipeline.tables import TableError
from pipeline.trained_towers import NoTrainedTowersError
from pipeline.training_config import TrainingConfigError
from pipeline.upstream import UpstreamError
from pipeline.validate import InvalidTablesError
from rpc.watched_files import FileContentError
from sample_api.faults import FaultTextError
from sample_api.server import PortTakenError
from store.errors import StoreError

EXPECTED_ERRORS = (
    AuthorityError,
    BundleError,
    BusyDirectoryError,
    CheckpointError,
    CleanError,
    CollectError,
    CredentialsError,
    DatasetError,
    EvaluationError,
    FaultTextError,
    CallRefusedError,
    FileContentError,
    ForgottenListError,
    ImportSourceError,
    InvalidTablesError,
    NoTrainedTowersError,
    NotANumberError,
    PortTakenError,
    PostNameError,
    RawStoreError,
    StackError,
    StoreError,
    TableError,
    TextEmbeddingsError,
    TextEncoderError,
    ToldPostsError,
    TrainingConfigError,
    TrainingError,
    UnknownNameError,
    UpstreamError,
)
