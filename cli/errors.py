"""The errors that a user of the command can fix: shown as one line, without a traceback."""

from bundle.manifest import BundleError
from cli.certificates import AuthorityError
from cli.feed_table import FeedRefusedError
from cli.gateway_access import CredentialsError
from cli.stack import StackError
from mood_encoder.encoder_files import TextEncoderError
from pipeline.clean import CleanError
from pipeline.dataset import DatasetError
from pipeline.embed import TextEmbeddingsError
from pipeline.evaluate import EvaluationError
from pipeline.foreign.errors import ImportSourceError
from pipeline.ranking import NotANumberError
from pipeline.raw_store import RawStoreError
from pipeline.tables import TableError
from pipeline.train import TrainingError
from pipeline.trained_towers import NoTrainedTowersError
from pipeline.training_config import TrainingConfigError
from pipeline.upstream import UpstreamError
from rpc.watched_files import FileContentError
from sample_api.faults import FaultTextError
from sample_api.server import PortTakenError

EXPECTED_ERRORS = (
    AuthorityError,
    BundleError,
    CleanError,
    CredentialsError,
    DatasetError,
    EvaluationError,
    FaultTextError,
    FeedRefusedError,
    FileContentError,
    ImportSourceError,
    NoTrainedTowersError,
    NotANumberError,
    PortTakenError,
    RawStoreError,
    StackError,
    TableError,
    TextEmbeddingsError,
    TextEncoderError,
    TrainingConfigError,
    TrainingError,
    UpstreamError,
)
