from cli.pipeline_commands import Objective, SplitName
from pipeline.evaluate import SPLITS
from pipeline.training_config import OBJECTIVES


def test_the_choices_of_the_commands_are_those_of_the_pipeline() -> None:
    assert [*Objective] == [*OBJECTIVES]
    assert [*SplitName] == [*SPLITS]
