"""The Helm chart: what it renders is valid, harmless, and what the processes read. No cluster is needed, or asked."""

import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from gateway.settings import Settings as GatewaySettings
from post_index_service.settings import Settings as PostIndexSettings
from tests.certificate_files import CertificateFiles
from tests.chart.conftest import CASES, CHART, ROOT, VERSIONS, Rendered, in_helm
from user_tower_service.settings import Settings as UserTowerSettings

SETTINGS: Mapping[str, type[BaseSettings]] = {
    "gateway": GatewaySettings,
    "user-tower": UserTowerSettings,
    "post-index": PostIndexSettings,
}
IMAGES = {
    "gateway": "gateway",
    "user-tower": "user_tower_service",
    "post-index": "post_index_service",
    "refresh": "pipeline",
    "migrate": "pipeline",
}
CHECKOV = ROOT / "deploy" / "helm" / "checkov.yaml"
README = CHART / "README.md"

each_case = pytest.mark.parametrize("case", CASES)
each_service = pytest.mark.parametrize("component", SETTINGS)


def variables_of(settings: type[BaseSettings]) -> set[str]:
    """Every environment variable that a process reads."""
    prefix = settings.model_config.get("env_prefix", "")
    found = set()
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        found |= {f"{prefix}{name.upper()}"} if alias is None else set(getattr(alias, "choices", [alias]))
    return found


def pods(rendered: Rendered) -> Iterator[tuple[str, dict]]:
    """The component and the pod of everything that runs."""
    for item in rendered.objects():
        spec = item.get("spec", {})
        if item["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        pod = item if item["kind"] == "Pod" else spec.get("template")
        if pod is not None:
            yield pod["metadata"]["labels"]["app.kubernetes.io/component"], pod


def container_of(rendered: Rendered, component: str) -> dict:
    (container,) = rendered.named("Deployment", component)["spec"]["template"]["spec"]["containers"]
    return container


def settings_in(container: dict) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in container["env"]}


@each_case
def test_helm_lints_and_three_versions_of_kubernetes_accept_all_objects(
    rendered: Mapping[str, Rendered], case: str
) -> None:
    assert (rendered[case].findings, rendered[case].refusals) == ([], [])
    assert rendered[case].objects("Deployment")


def test_checkov_finds_nothing_that_is_not_skipped_for_a_written_reason(
    rendered: Mapping[str, Rendered], tmp_path: Path
) -> None:
    for case, each in rendered.items():
        for name, text in each.manifests.items():
            if name.endswith(".yaml") and text.strip():
                path = tmp_path / case / Path(name).name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def check(*options: str) -> dict:
        done = subprocess.run(
            [ROOT / ".venv-chart/bin/checkov", "-d", tmp_path, *options, "--skip-download", "-o", "json"],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return json.loads(done.stdout)

    report = check("--config-file", str(CHECKOV))
    assert report["results"]["failed_checks"] == []
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000
    assert all(item["check_result"]["suppress_comment"] for item in report["results"]["skipped_checks"])
    text = CHECKOV.read_text(encoding="utf-8")
    skipped = set(yaml.safe_load(text)["skip-check"])
    assert len(re.findall(r"^  # .+\n(?:  # .+\n)*  - CKV", text, re.MULTILINE)) == len(skipped)
    failing = {item["check_id"] for item in check("--framework", "kubernetes")["results"]["failed_checks"]}
    assert failing == skipped  # none of them is skipped for nothing


@each_case
@each_service
def test_a_service_is_given_settings_that_it_reads(
    rendered: Mapping[str, Rendered], case: str, component: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = settings_in(container_of(rendered[case], component))
    assert set(found) <= variables_of(SETTINGS[component])
    files = CertificateFiles(tmp_path).write()
    contents = {"tls.crt": files.certificate, "tls.key": files.key, "ca.crt": files.authority}
    for name in ("api-tokens", "admin-tokens"):
        contents[name] = tmp_path / name
        contents[name].write_text(f"web:{'0' * 64}\n", encoding="utf-8")
    for name, value in found.items():
        path = contents.get(value.rpartition("/")[2], value) if value.startswith("/secrets/") else value
        monkeypatch.setenv(name, str(path) or "postgresql+psycopg://moodfeed@db/moodfeed")
    SETTINGS[component]()


@each_case
def test_every_file_of_a_setting_is_mounted(rendered: Mapping[str, Rendered], case: str) -> None:
    for component, pod in pods(rendered[case]):
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert set(mounts.values()) <= volumes, component
            texts = [item.get("value", "") for item in container.get("env", [])]
            texts += [
                part
                for probe in ("startupProbe", "readinessProbe", "livenessProbe")
                for part in (container.get(probe, {}).get("exec", {}).get("command", []))
            ]
            for path in re.findall(r"/secrets/[^/\s]+", "\n".join(texts)):
                assert path in mounts, (component, path)


@each_case
def test_a_probe_asks_a_port_that_the_process_listens_on(rendered: Mapping[str, Rendered], case: str) -> None:
    for component in SETTINGS:
        container = container_of(rendered[case], component)
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        settings = "\n".join(settings_in(container).values())
        listening = {int(port) for port in re.findall(r"^0\.0\.0\.0:(\d+)$", settings, re.MULTILINE)}
        assert listening <= set(ports.values())
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container[probe]
            if "grpc" in asked:
                assert asked["grpc"]["port"] == ports["grpc"]
            elif "httpGet" in asked:
                assert asked["httpGet"]["port"] in ports
                assert asked["httpGet"]["path"] in {"/healthz", "/readyz"}
            else:
                command = asked["exec"]["command"]
                assert (ROOT / command[3]).is_file()
                assert command[4] == f"127.0.0.1:{ports['grpc']}"
        assert "grpc" not in container_of(rendered[case], "gateway")["livenessProbe"]  # it follows the index's health


@each_case
def test_the_gateway_calls_services_that_are_there_and_name_every_replica(
    rendered: Mapping[str, Rendered], case: str
) -> None:
    found = settings_in(container_of(rendered[case], "gateway"))
    for component in ("user-tower", "post-index"):
        host, port = found[f"MOODFEED_GATEWAY_{component.replace('-', '_').upper()}_ADDRESS"].split(":")
        service = rendered[case].named("Service", component)
        assert host == service["metadata"]["name"]
        assert service["spec"]["clusterIP"] == "None"
        assert int(port) in {item["port"] for item in service["spec"]["ports"]}
        labels = rendered[case].named("Deployment", component)["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()


@each_case
def test_a_pod_has_no_more_rights_than_it_needs(rendered: Mapping[str, Rendered], case: str) -> None:
    for component, pod in pods(rendered[case]):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, component
            assert set(container["resources"]) == {"requests", "limits"}
            mounts = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
            assert "/tmp" in mounts


def test_an_image_that_a_pod_names_is_a_target_of_the_dockerfile_with_a_numeric_user(
    rendered: Mapping[str, Rendered],
) -> None:
    stages = {}
    for stage in re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name = re.match(r"\S+ AS (\S+)", stage)
        if name:
            stages[name[1]] = re.findall(r"^USER (\S+)", stage, re.MULTILINE)
    for each in rendered.values():
        for component, pod in pods(each):
            image = pod["spec"]["containers"][0]["image"].rpartition("/")[2]
            name, _, tag = image.partition(":")
            assert name in {IMAGES.get(component, "gateway"), "user_tower_service_torch"}
            assert stages[name] == ["10001:0"]  # kubelet cannot tell that a name is not root
            assert tag == yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]


@each_case
def test_nothing_is_reachable_but_what_a_policy_names(rendered: Mapping[str, Rendered], case: str) -> None:
    policies = {
        item["metadata"]["name"].removeprefix("feed-moodfeed-"): item["spec"]
        for item in rendered[case].objects("NetworkPolicy")
    }
    deny = policies["default-deny"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(deny)
    for _, pod in pods(rendered[case]):
        assert deny["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    for component, port in (("user-tower", 50051), ("post-index", 50052)):
        first, *rest = policies[component]["ingress"]
        assert first["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"
        assert first["ports"] == [{"port": port}]
        assert all(rule["ports"] == [{"port": "metrics"}] for rule in rest)
        egress = policies[component]["egress"] or []
        assert all(rule["ports"] for rule in egress)
    receiver = [4318] if case == "external-postgresql" else []
    assert sorted(rule["ports"][0]["port"] for rule in policies["gateway"]["egress"]) == [*receiver, 50051, 50052]


def test_replicas_are_kept_apart_disrupted_one_at_a_time_and_scaled(rendered: Mapping[str, Rendered]) -> None:
    assert len(rendered["defaults"].objects("PodDisruptionBudget")) == 3
    assert rendered["one-replica"].objects("PodDisruptionBudget") == []
    scaled = rendered["external-postgresql"]
    assert {item["spec"]["scaleTargetRef"]["name"] for item in scaled.objects("HorizontalPodAutoscaler")} == {
        item["metadata"]["name"] for item in scaled.objects("Deployment")
    }
    for item in scaled.objects("Deployment"):
        assert "replicas" not in item["spec"]  # else every upgrade would undo what the autoscaler did
        spread = item["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]


@pytest.mark.parametrize(
    "values",
    [
        {"gatway": {}},
        {"gateway": {"replica": 2}},
        {"gateway": {"replicas": 0}},
        {"gateway": {"replicas": "2"}},
        {"gateway": {"env": {"LOG_LEVEL": "info"}}},
        {"gateway": {"autoscaling": {"enabled": "yes"}}},
        {"gateway": {"service": {"type": "ExternalName"}}},
        {"userTower": {"runtime": "cuda"}},
        {"image": {"pullPolicy": "always"}},
        {"image": {"digest": "sha256:0"}},
        {"bundles": {"existingClaim": ""}},
        {"bundles": {"fetch": {"enabled": True, "image": "", "command": ["fetch"]}}},
        {"bundles": {"fetch": {"enabled": True, "image": "fetch:1", "command": []}}},
        {"store": {"port": 70000}},
        {"store": {"url": "postgresql://"}},
        {"refresh": {"schedule": "often"}},
        {"tls": {"enabled": True, "gatewaySecret": "Not_A_Name"}},
        {"metrics": {"serviceMonitor": {"interval": "30"}}},
        {"traces": {"endpoint": "collector:4318"}},
        {"networkPolicy": {"dns": {"ports": []}}},
        {"networkPolicy": {"gatewayFrom": [{"podSelectors": {}}]}},
        {"podLabels": {"number": 1}},
        {"podLabels": {"app.kubernetes.io/component": "gateway"}},  # by which services find their pods
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(values: dict) -> None:
    answer = in_helm({"wrong": values})["wrong"]
    assert "schema" in answer["error"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tls": {"enabled": True, "gatewaySecret": ""}}, "the volume tls needs the name of a secret"),
        (
            {"gateway": {"autoscaling": {"enabled": True, "minReplicas": 9}}},
            "gateway: autoscaling.minReplicas is larger than maxReplicas",
        ),
    ],
    ids=["no secret", "more at least than at most"],
)
def test_values_that_contradict_each_other_are_refused(values: dict, message: str) -> None:
    assert message in in_helm({"wrong": values})["wrong"]["error"]


NUMBERS: dict[str, object] = {
    "nameOverride": "123",
    "priorityClassName": "1000",
    "serviceAccount": {"name": "99"},
    "image": {"tag": "20261127", "pullSecrets": ["12"]},
    "store": {"existingSecret": "1e3", "urlKey": "1", "passwordKey": "2", "migrate": True},
    "refresh": {"enabled": True, "dataClaim": "5"},
    "bundles": {"existingClaim": "123"},
    "tokens": {"apiSecret": "4", "adminSecret": "0x1", "testSecret": "6"},
}
TLS_NUMBERS = {"enabled": True, "gatewaySecret": "7", "userTowerSecret": "8", "postIndexSecret": "9"}


def test_names_that_look_like_numbers_stay_names() -> None:
    cases = {"plaintext": NUMBERS, "tls": NUMBERS | {"tls": TLS_NUMBERS}}
    for answer in in_helm(cases, versions=VERSIONS, release="2026").values():
        assert (answer.get("error"), answer["findings"], answer["refusals"]) == (None, [], [])
        labels = [item["metadata"]["labels"] for item in Rendered(**answer).objects("Deployment")]
        assert {each["app.kubernetes.io/instance"] for each in labels} == {"2026"}


def test_a_name_that_is_cut_off_at_a_hyphen_is_a_name() -> None:
    answer = in_helm({"long": {"fullnameOverride": "a" * 38 + "--b"}}, versions=VERSIONS)["long"]
    assert (answer["findings"], answer["refusals"]) == ([], [])


def test_a_setting_of_a_component_stands_in_place_of_the_common_one() -> None:
    own = {"env": {"MOODFEED_TRACES_RATIO": 1}}
    values = {"traces": {"endpoint": "http://collector:4318"}, "gateway": own, "userTower": own}
    rendered = Rendered(**in_helm({"traces": values})["traces"])
    for component, ratio in (("gateway", "1"), ("user-tower", "1"), ("post-index", "0.01")):
        settings = container_of(rendered, component)["env"]
        assert [item["value"] for item in settings if item["name"] == "MOODFEED_TRACES_RATIO"] == [ratio]
        assert len({item["name"] for item in settings}) == len(settings)


STORE = {"existingSecret": "store", "passwordKey": "password"}
SET_BY_THE_CHART = [
    ("gateway", "MOODFEED_GATEWAY_HTTP_ADDRESS", {}),
    ("gateway", "MOODFEED_ALLOW_PLAINTEXT", {}),
    ("gateway", "MOODFEED_GATEWAY_TLS_KEY", {"tls": {"enabled": True}}),
    ("gateway", "MOODFEED_ADMIN_TOKEN_FILE", {"tokens": {"adminSecret": "admin"}}),
    ("userTower", "MOODFEED_USER_TOWER_ADDRESS", {}),
    ("userTower", "MOODFEED_USER_TOWER_RUNTIME", {}),
    ("userTower", "MOODFEED_STORE_URL", {"store": STORE}),
    ("postIndex", "MOODFEED_POST_INDEX_METRICS_PORT", {}),
    ("postIndex", "MOODFEED_STORE_PASSWORD_FILE", {"store": STORE}),
    ("refresh", "MOODFEED_STORE_URL", {"refresh": {"enabled": True}, "store": STORE}),
]


def test_a_setting_of_the_chart_itself_is_not_overridden() -> None:
    cases = {
        f"{component} {name}": values | {component: values.get(component, {}) | {"env": {name: "0.0.0.0:1"}}}
        for component, name, values in SET_BY_THE_CHART
    }
    answers = in_helm(cases)
    for component, name, _ in SET_BY_THE_CHART:
        error = answers[f"{component} {name}"].get("error", "nothing is refused")
        assert f"{component}.env: the chart itself sets {name}" in error


def test_refresh_needs_the_volume_that_it_writes() -> None:
    both = {"refresh": {"enabled": True}, "bundles": {"fetch": {"enabled": True, "image": "a:1", "command": ["b"]}}}
    assert "bundles.fetch.enabled" in in_helm({"both": both})["both"]["error"]


def test_the_schema_knows_every_default_and_nothing_else() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    def compare(schema: dict, values: dict, path: str) -> None:
        for name, value in values.items():
            assert name in schema["properties"], f"{path}.{name}"
            inner = schema["properties"][name]
            if inner.get("additionalProperties") is False and value:
                compare(inner, value, f"{path}.{name}")
        if schema.get("additionalProperties") is False and path.count(".") < 3 and "image" not in path:
            assert set(schema["properties"]) - set(values) <= {"global"}, path

    compare(schema, values, "")


def test_the_pod_of_helm_test_is_the_program_beside_the_chart(rendered: Mapping[str, Rendered]) -> None:
    program = (CHART / "ask_for_a_feed.py").read_text(encoding="utf-8")
    for each in rendered.values():
        (container,) = each.named("Pod", "test")["spec"]["containers"]
        assert container["command"][:2] == ["python", "-c"]
        assert container["command"][2].strip() == program.strip()


def test_the_chart_and_the_package_have_one_version() -> None:
    package = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == chart["version"] == package[1]  # type: ignore[index]


def test_the_readme_lists_every_value() -> None:
    spec = importlib.util.spec_from_file_location("write_chart_values", ROOT / "scripts" / "write_chart_values.py")
    script = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(script)  # type: ignore[union-attr]
    table = script.table((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert README.read_text(encoding="utf-8").endswith(table)
    assert len(table.splitlines()) > 50


@pytest.mark.parametrize(
    ("value", "written"), [(5_000_000, "5000000"), (0.25, "0.25"), (True, "true"), ("15", "15"), (0, "0")]
)
def test_a_setting_is_written_as_it_was_given(value: object, written: str) -> None:
    answer = in_helm({"env": {"gateway": {"env": {"MOODFEED_GATEWAY_CONTEXT_CACHE_SIZE": value}}}})["env"]
    container = container_of(Rendered(**answer), "gateway")
    assert settings_in(container)["MOODFEED_GATEWAY_CONTEXT_CACHE_SIZE"] == written


def test_a_monitor_names_a_port_of_its_service(rendered: Mapping[str, Rendered]) -> None:
    for case in ("secure", "external-postgresql"):
        monitors = rendered[case].objects("ServiceMonitor")
        assert len(monitors) == 3
        for monitor in monitors:
            component = monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
            service = rendered[case].named("Service", component)
            assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
            assert service["metadata"]["labels"].items() >= monitor["spec"]["selector"]["matchLabels"].items()


def test_metrics_of_the_compute_services_need_a_consent_beside_tls() -> None:
    answer = in_helm({"tls": {"tls": {"enabled": True}}})["tls"]
    for component in ("user-tower", "post-index"):
        container = container_of(Rendered(**answer), component)
        found = settings_in(container)
        assert found["MOODFEED_ALLOW_PLAINTEXT"] == "false"
        assert "127.0.0.1" in {value for name, value in found.items() if name.endswith("METRICS_HOST")}
        assert [port["name"] for port in container["ports"]] == ["grpc"]
