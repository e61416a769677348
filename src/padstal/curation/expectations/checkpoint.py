"""Puts a suite of expectations to Great Expectations 1.x and brings back plain outcomes; also draws its data docs."""

import html
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from padstal.curation.expectations import data_docs as pages
from padstal.curation.expectations.expectation import SAMPLE_IDS, Expectation, Outcome, short


def run(
    suite: tuple[Expectation, ...], tables: Mapping[str, pd.DataFrame], data_docs: Path | None = None
) -> tuple[Outcome, ...]:
    """Outcomes of `suite`, in its order.

    Args:
        suite: The expectations.
        tables: Table name → rows; a column `id` names a row.
        data_docs: Folder for the pages that Great Expectations draws, the same bytes every time. `None` draws none.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.checkpoint import UpdateDataDocsAction

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    if data_docs is not None:
        context.add_data_docs_site("data_docs", pages.site(data_docs))
    asked = {expectation.name: expectation for expectation in suite}
    outcomes: dict[str, Outcome] = {}
    for name in sorted({expectation.table for expectation in suite}):
        batch = (
            context.data_sources.add_pandas(name).add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        )
        expectations = [_to_gx(expectation) for expectation in suite if expectation.table == name]
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(
                name=name,
                data=batch,
                suite=context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations)),
            )
        )
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=name,
                validation_definitions=[definition],
                actions=[] if data_docs is None else [UpdateDataDocsAction(name="data_docs")],
                result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]},
            )
        )
        found = checkpoint.run(batch_parameters={"dataframe": pages.harmless(tables[name])}, run_id=pages.run_id())
        for validation in found.run_results.values():
            for result in validation.results:
                expectation = asked[result.expectation_config.meta["name"]]
                outcomes[expectation.name] = _outcome(expectation, result)
    if data_docs is not None:
        by_table: dict[str, list[bool]] = {}
        for outcome in outcomes.values():
            by_table.setdefault(outcome.expectation.table, []).append(outcome.success)
        pages.settle(data_docs, {table: (sum(held), len(held)) for table, held in by_table.items()})
    return tuple(outcomes[expectation.name] for expectation in suite)


def _to_gx(expectation: Expectation) -> Any:
    import great_expectations.expectations as gxe

    arguments = dict(expectation.limits)
    if expectation.column:
        arguments["column"] = expectation.column
    if expectation.mostly is not None:
        arguments["mostly"] = expectation.mostly
    return getattr(gxe, expectation.kind)(
        **arguments, severity=expectation.severity, meta={"name": expectation.name}, description=expectation.name
    )


def _outcome(expectation: Expectation, result: Any) -> Outcome:
    details = result.result
    unexpected = int(details.get("unexpected_count", 0))
    offenders = [html.unescape(str(row["id"])) for row in details.get("unexpected_index_list") or []]
    return Outcome(
        expectation=expectation,
        success=bool(result.success),
        unexpected=unexpected,
        offenders=tuple(dict.fromkeys(offenders))[:SAMPLE_IDS],
        observed=_observed(result, unexpected),
    )


def _observed(result: Any, unexpected: int) -> str:
    details = result.result
    if not details:
        return f"could not be checked: {_first_error(result.exception_info)}"
    if "partial_missing_list" in details:
        missing = ", ".join(map(str, details["partial_missing_list"]))
        return html.unescape(f"without {missing}") if missing else "all are there"
    if "observed_value" in details:
        found = details["observed_value"]
        return (
            html.unescape(", ".join(map(str, sorted(found)))) if isinstance(found, list | set | tuple) else short(found)
        )
    return f"{unexpected} of {details['element_count']} rows do not comply"


def _first_error(info: Any) -> str:
    """The shortest message of what Great Expectations raised (one entry a metric, or one for all)."""
    entries = [info] if "exception_message" in info else list(info.values())
    return min((str(entry["exception_message"]) for entry in entries), key=lambda message: (len(message), message))
