# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the variables of the roles mean, and which are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.disaster_recovery.aws.plugins.lookup.drs_options import LookupModule
from ansible_collections.disaster_recovery.aws.plugins.modules.drs_drill import ARGUMENT_SPEC as DRILL_SPEC
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.judgement import judged_by_role
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.variables import (
    DRILL_PARAMS,
    HOST_VARIABLES,
    OTHERS,
    ROLE_VARIABLES,
    RULES,
    read_variables,
    unknown_variables,
)
from botocore.session import get_session

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
SELECTED = {"drs_filters": "hostname=web1"}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("drs_max_in_progess", "drs_max_in_progress"),
        ("drs_filter", "drs_filters"),
        ("drs_host", "drs_hosts"),
        ("drs_reportfile", "drs_report_file"),
        # The names of the options of drs_drill.
        ("drs_max_age", "drs_max_drill_age"),
        ("drs_min_age", "drs_absent_after"),
    ],
)
def test_a_typing_error_is_refused_with_the_name_that_was_meant(name: str, nearest: str) -> None:
    assert unknown_variables([name]) == [f"{name} is not a variable of this collection; the nearest is {nearest}."]


def test_a_name_that_is_like_no_other_is_refused_too() -> None:
    assert len(unknown_variables(["drs_state", "drs_x", "other_variable", "filters"])) == 2


def test_names_of_facts_results_and_host_variables_are_known() -> None:
    names = [*OTHERS, *ROLE_VARIABLES, *(f"drs_{name}" for name in HOST_VARIABLES)]
    assert unknown_variables(names) == []


def test_every_member_of_a_source_server_is_a_host_variable() -> None:
    model: Any = get_session().get_service_model("drs").shape_for("SourceServer")
    members = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in model.members}
    assert members <= HOST_VARIABLES


@pytest.mark.parametrize("role", ROLES)
def test_the_argument_spec_of_a_role_lists_what_its_tasks_read(role: str) -> None:
    spec = yaml_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = spec["argument_specs"]["main"]["options"]
    tasks = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "roles" / role / "tasks").iterdir()))
    assert {f"drs_{name}" for name in re.findall(r"drs_options\.set\.(\w+)", tasks)} <= set(options)
    assert set(options) <= set(ROLE_VARIABLES)
    # ansible-core would refuse the empty text of a survey for any other type.
    assert {option["type"] for option in options.values()} <= {"raw", "str"}
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert set(re.findall(r"\bdrs_\w+", tasks)) - modules <= {*ROLE_VARIABLES, *OTHERS}


def test_every_option_is_in_the_argument_spec_of_a_role() -> None:
    specs = [
        yaml_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")) for role in ROLES
    ]
    assert {name for spec in specs for name in spec["argument_specs"]["main"]["options"]} == set(ROLE_VARIABLES)
    assert set(RULES) == set(ROLES)


@pytest.mark.parametrize("empty", ["", "  ", "\n", None, [], {}])
def test_an_empty_value_counts_as_not_set(empty: Any) -> None:
    assert read_variables(dict.fromkeys(ROLE_VARIABLES, empty), "report") == ({}, [])
    assert read_variables({**dict.fromkeys(ROLE_VARIABLES, empty), **SELECTED}, "protect") == (
        {"filters": {"hostname": "web1"}},
        [],
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("drs_source_server_ids", "s-1,s-2\n  s-3", ["s-1", "s-2", "s-3"]),
        ("drs_source_server_ids", [" s-1 "], ["s-1"]),
        ("drs_source_server_ids", '["s-1", "s-2"]', ["s-1", "s-2"]),
        ("drs_filters", "tag:env=prod\nhostname=web*\n", {"tag:env": "prod", "hostname": "web*"}),
        ("drs_filters", "hostname=web1\nhostname=web2", {"hostname": ["web1", "web2"]}),
        ("drs_filters", " tag:Owner = Team A, O'Brien\\ho \n", {"tag:Owner": "Team A, O'Brien\\ho"}),
        ("drs_filters", "tag:query=a?b=c", {"tag:query": "a?b=c"}),
        ("drs_filters", "tag:Note=", {"tag:Note": ""}),
        ("drs_filters", '{"hostname":\n ["web1", "web2"]}', {"hostname": ["web1", "web2"]}),
        ("drs_filters", {"tag:env": "prod"}, {"tag:env": "prod"}),
        ("drs_rpo", "3600", 3600),
        ("drs_rpo", 3600, 3600),
        ("drs_fail", "no", False),
        ("drs_all", "true", True),
        ("drs_report_file", " report.html ", "report.html"),
        ("drs_region", " eu-west-1 ", "eu-west-1"),
        ("drs_profile", "production\n", "production"),
        ("drs_rpo", 600, 600),
        ("drs_max_lag", "31536000", 31_536_000),
        ("drs_max_drill_age", "3650", 3650),
        ("drs_absent_after", 87_600, 87_600),
        ("drs_point_in_time", " 2026-11-23T02:00:00+01:00 ", "2026-11-23T02:00:00+01:00"),
        ("drs_job_tags", "CostCenter=a\nOwner=b", {"CostCenter": "a", "Owner": "b"}),
        ("drs_job_tags", {"CostCenter": 5}, {"CostCenter": 5}),
    ],
)
def test_a_value_is_read_from_a_text_as_well(name: str, value: Any, expected: Any) -> None:
    assert read_variables({name: value}, "report") == ({name.removeprefix("drs_"): expected}, [])


def test_the_report_of_the_role_drill_judges_by_the_age_that_the_drill_keeps() -> None:
    assert read_variables(SELECTED, "drill")[0]["max_drill_age"] == DRILL_SPEC["max_age"]["default"]
    assert read_variables({**SELECTED, "drs_max_drill_age": ""}, "drill")[0]["max_drill_age"] == 90
    assert read_variables({**SELECTED, "drs_max_drill_age": "30"}, "drill")[0]["max_drill_age"] == 30
    assert "max_drill_age" not in read_variables(SELECTED, "report")[0]


@pytest.mark.parametrize("option", sorted(DRILL_PARAMS))
def test_what_the_module_is_asked_about_one_value_are_its_options(option: str) -> None:
    assert option in DRILL_SPEC


@pytest.mark.parametrize(
    "value",
    [
        "hostname=web1\ntag-key=hold",
        [{"hostname": "web1"}, {"tag-key": "hold"}],
        ["hostname=web1", "tag-key=hold"],
        '[{"hostname": "web1"}, {"tag-key": "hold"}]',
    ],
)
def test_each_line_of_the_exclusions_is_a_filter_of_its_own(value: Any) -> None:
    options, errors = read_variables({**SELECTED, "drs_exclude_filters": value}, "protect")
    assert (options["exclude_filters"], errors) == ([{"hostname": "web1"}, {"tag-key": "hold"}], [])


@pytest.mark.parametrize(
    ("name", "value", "must_be"),
    [
        ("drs_filters", "web1", "a mapping"),
        ("drs_filters", ["web1"], "a mapping"),
        ("drs_filters", "{hostname", "a mapping"),
        ("drs_filters", "=web1", "a mapping"),
        ("drs_filters", "hostname=web1 tag:env=prod", "a mapping"),
        ("drs_exclude_filters", "hostname=web1,tag:env=prod", "a list"),
        ("drs_source_server_ids", "[s-1", "a list of IDs"),
        ("drs_exclude_filters", "web1", "a list"),
        ("drs_exclude_filters", 5, "a list"),
        ("drs_exclude_filters", "[1", "a list"),
        ("drs_max_in_progress", 0, "a positive integer"),
        ("drs_max_in_progress", "0.5", "a positive integer"),
        ("drs_max_in_progress", True, "a positive integer"),
        ("drs_rpo", 60, "an integer from 600 to 31536000, in seconds; drs_max_lag takes shorter times"),
        ("drs_rpo", 31_536_001, "an integer from 600"),
        ("drs_max_lag", 0, "an integer from 1 to 31536000, in seconds"),
        ("drs_max_lag", 31_536_001, "an integer from 1 to 31536000, in seconds"),
        ("drs_wait_timeout", 31_536_001, "an integer from 1 to 31536000, in seconds"),
        ("drs_wait_delay", "0", "an integer from 1 to 31536000, in seconds"),
        ("drs_max_drill_age", "often", "an integer from 1 to 3650, in days"),
        ("drs_max_drill_age", 3651, "an integer from 1 to 3650, in days"),
        ("drs_absent_after", 87_601, "an integer from 1 to 87600, in hours"),
        ("drs_point_in_time", "2026-11-23T02:00:00", "a date and time with a zone"),
        ("drs_point_in_time", "yesterday", "a date and time with a zone"),
        ("drs_job_tags", "CostCenter=a\nCostCenter=b", "a mapping with a text for each key"),
        ("drs_job_tags", {"CostCenter": {}}, "a mapping with a text for each key"),
        ("drs_fail", "perhaps", "true or false"),
        ("drs_wait", "maybe", "true or false"),
        ("drs_wait_until", "never", "replicating or continuous"),
        ("drs_report_file", "report.txt", "a file that ends in .json, .csv or .html"),
        ("drs_report_file", "reports/.html", "a file that ends in .json, .csv or .html"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_must_be(name: str, value: Any, must_be: str) -> None:
    for role in RULES:
        _options, errors = read_variables({name: value}, role)
        assert len(errors) == 1
        assert errors[0].startswith(f"{name} must be {must_be}")


@pytest.mark.parametrize(
    ("role", "values", "sentence"),
    [
        ("protect", {}, "Set either"),
        ("drill", {}, "Set either"),
        ("drill", {"drs_source_server_ids": "s-1", "drs_exclude_filters": "hostname=a"}, "requires drs_filters"),
        ("drill", {**SELECTED, "drs_terminate": "yes", "drs_wait": "no"}, "drs_terminate requires drs_wait"),
        ("protect", {"drs_source_server_ids": "s-1", **SELECTED}, "Set either"),
        ("protect", {"drs_source_server_ids": "s-1", "drs_exclude_filters": "hostname=a"}, "requires drs_filters"),
        ("protect", {"drs_filters": "replication-state=STOPPED", "drs_wait": "yes"}, "cannot be combined"),
        ("report", {"drs_source_server_ids": "s-1", **SELECTED}, "Set only one"),
        ("report", {"drs_source_server_ids": "s-1", "drs_exclude_filters": "hostname=a"}, "cannot be combined"),
    ],
)
def test_what_cannot_be_combined_is_refused(role: str, values: dict[str, Any], sentence: str) -> None:
    _options, errors = read_variables(values, role)
    assert [sentence in error for error in errors] == [True]


class _Templar:
    """Finishes a template in its own way."""

    def template(self, value: Any) -> Any:
        return value.replace("{{ region }}", "eu-west-1") if isinstance(value, str) else value


def test_the_lookup_finishes_what_it_reads_and_finds_every_name() -> None:
    templar: Any = _Templar()
    variables = {"drs_region": "{{ region }}", "drs_rpo": 0, "drs_filter": "{{ undefined }}", "region": "x", "x": 1}
    assert LookupModule(templar=templar).run(["report"], variables) == [
        {
            "set": {"region": "eu-west-1"},
            "errors": [
                "drs_filter is not a variable of this collection; the nearest is drs_filters.",
                "drs_rpo must be an integer from 600 to 31536000, in seconds; drs_max_lag takes shorter times.",
            ],
        }
    ]
    assert LookupModule(templar=templar).run(["report"]) == [{"set": {}, "errors": []}]


def _report_file(given: str) -> dict[str, Any]:
    templar: Any = _Templar()
    return LookupModule(templar=templar).run(["report"], {"drs_report_file": given})[0]


def test_a_report_goes_to_where_ansible_was_started_unless_its_path_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for given, path in {
        "report.html": tmp_path / "report.html",
        "~/report.csv": tmp_path / "home" / "report.csv",
        f"{tmp_path}/home/report.json": tmp_path / "home" / "report.json",
    }.items():
        assert _report_file(given) == {"set": {"report_file": str(path)}, "errors": []}


def test_a_report_without_a_place_is_refused_before_aws_is_called(tmp_path: Path) -> None:
    (tmp_path / "site.html").mkdir()
    assert _report_file(f"{tmp_path}/site.html")["errors"] == [
        f"drs_report_file must be a file, but {tmp_path}/site.html is a directory."
    ]
    assert _report_file(f"{tmp_path}/nowhere/report.html")["errors"] == [
        f"The directory of drs_report_file, {tmp_path}/nowhere, does not exist."
    ]


@pytest.mark.parametrize("role", ROLES)
def test_a_play_that_ignores_errors_does_not_ignore_wrong_variables(role: str) -> None:
    read, block = yaml_load((ROOT / "roles" / role / "tasks" / "main.yml").read_text(encoding="utf-8"))
    # If they cannot be read, those of an earlier role would be taken.
    assert read["ansible.builtin.set_fact"].keys() == {"drs_options"}
    checks = [task for task in block["block"] if task["name"] == "Check the variables"]
    assert [task["ignore_errors"] for task in [read, *checks]] == [False, False]


def test_what_roles_use_inside_is_no_variable_of_users() -> None:
    assert "the nearest is drs_report_file." in unknown_variables(["drs_report_path"])[0]


class _Task:
    def __init__(self, variables: dict[str, Any]) -> None:
        self.vars = variables


FAILED = {"failed": True, "msg": "1 of 2 source servers failed.", "summary": {}, "exception": "(traceback)"}


def test_a_role_judges_a_failure_itself() -> None:
    judged = judged_by_role(_Task({"drs_keep_going": True}), FAILED)
    assert judged == {"failed": False, "has_failed": True, "msg": FAILED["msg"], "summary": {}}


@pytest.mark.parametrize("variables", [{}, {"drs_keep_going": "true"}, {"drs_keep_going": False}])
def test_without_a_role_a_failure_stays_one(variables: dict[str, Any]) -> None:
    assert judged_by_role(_Task(variables), FAILED) == FAILED


@pytest.mark.parametrize("result", [{"failed": True, "msg": "MODULE FAILURE"}, {"unreachable": True}, {"summary": {}}])
def test_a_crash_an_unreachable_host_and_a_success_stay_what_they_are(result: dict[str, Any]) -> None:
    assert judged_by_role(_Task({"drs_keep_going": True}), result) == result
