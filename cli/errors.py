"""The errors that a user of the command can fix: shown as one line, without a traceback.

They are named and not imported: with them come torch and pandas, and a refusal would wait for them for seconds.
"""

EXPECTED_ERRORS = frozenset(
    {
        "bundle.manifest.BundleError",
        "bundle_sync.bucket.BucketError",
        "cli.bucket_stage.BucketRefusalError",
        "cli.catalog_client.PostNameError",
        "cli.certificates.AuthorityError",
        "cli.gateway_access.CredentialsError",
        "cli.gateway_calls.CallRefusedError",
        "cli.one_writer.BusyDirectoryError",
        "cli.open_command.NoPageError",
        "cli.starting.StackError",
        "cli.told_posts.ToldPostsError",
        "cli.training_processes.TrainingProcessesError",
        "mood_encoder.encoder_files.TextEncoderError",
        "pipeline.batch_loss.TrainingError",
        "pipeline.checkpoint.CheckpointError",
        "pipeline.clean.CleanError",
        "pipeline.collect.CollectError",
        "pipeline.dataset.DatasetError",
        "pipeline.embed.TextEmbeddingsError",
        "pipeline.encoding_processes.EncodingProcessError",
        "pipeline.evaluation.EvaluationError",
        "pipeline.foreign.errors.ImportSourceError",
        "pipeline.forget.UnknownNameError",
        "pipeline.forgotten.ForgottenListError",
        "pipeline.ranking.NotANumberError",
        "pipeline.ranks.RanksError",
        "pipeline.raw_store.RawStoreError",
        "pipeline.scratch.ScratchError",
        "pipeline.tables.TableError",
        "pipeline.trained_towers.NoTrainedTowersError",
        "pipeline.training_config.TrainingConfigError",
        "pipeline.upstream.UpstreamError",
        "pipeline.validate.InvalidTablesError",
        "post_collection.server.MilvusUnavailableError",
        "rpc.watched_files.FileContentError",
        "sample_api.faults.FaultTextError",
        "sample_api.server.PortTakenError",
        "store.errors.StoreError",
    }
)


def is_expected(error: Exception) -> bool:
    """Whether the class of the error, or one of its bases, is listed."""
    return any(f"{kind.__module__}.{kind.__qualname__}" in EXPECTED_ERRORS for kind in type(error).__mro__)
