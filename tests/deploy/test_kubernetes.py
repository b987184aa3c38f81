"""What deploy/kubernetes promises, read from the files themselves and held against Kubernetes' schemas."""

from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from contracts.temporal_names import WORKER_QUEUES
from storage.spooling import MOST_BYTES_IN_MEMORY
from tests.deploy.files import ROOT, project
from tests.deploy.test_compose_file import KEYS, READ_BY_BOTOCORE, known_settings
from workers import alive
from workers.media import SLOTS_AT_HAND

FOLDER: Final = ROOT / "deploy" / "kubernetes"
KUBERNETES: Final = "1.37"
MEBIBYTE: Final = 1024 * 1024
API_KEY: Final = "TEMPORAL_API_KEY"
SECRET: Final = {"DATABASE_URL", API_KEY, *KEYS}

Object = dict[str, Any]


def kustomization() -> Object:
    """The base."""
    loaded: Object = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return loaded


def objects() -> list[Object]:
    """Everything that it applies."""
    return [found for name in kustomization()["resources"] for found in yaml.safe_load_all((FOLDER / name).read_text())]


def of_kind(kind: str) -> dict[str, Object]:
    """By name."""
    return {found["metadata"]["name"]: found for found in objects() if found["kind"] == kind}


def pods() -> dict[str, Object]:
    """The pod of each deployment and job, by its name."""
    return {name: found["spec"]["template"]["spec"] for name, found in (of_kind("Deployment") | of_kind("Job")).items()}


def settings_of(pod: Object) -> set[str]:
    """Names of all that its container finds in its environment."""
    container = pod["containers"][0]
    named = {variable["name"] for variable in container.get("env", [])}
    for source in container.get("envFrom", []):
        named |= set(of_kind("ConfigMap")["rushes-settings"]["data"]) if "configMapRef" in source else SECRET
    return named


def test_every_file_of_the_folder_is_applied() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {"kustomization.yaml", *kustomization()["resources"]}


@pytest.mark.parametrize(
    "found",
    [found for found in objects() if not found["apiVersion"].startswith("keda.sh/")],  # in no schema of Kubernetes
    ids=lambda found: f"{found['kind']}-{found['metadata']['name']}",
)
def test_every_object_is_as_kubernetes_describes_it(found: Object) -> None:
    kubernetes_validate.validate(found, KUBERNETES, strict=True)


def test_all_the_parts_are_there_and_only_the_media_workers_are_scaled() -> None:
    assert set(pods()) == {"rushes-api", "rushes-control-worker", "rushes-media-worker", "rushes-migrate"}
    (scaled,) = of_kind("ScaledObject").values()
    target = scaled["spec"]["scaleTargetRef"]["name"]
    assert target == "rushes-media-worker"
    assert "replicas" not in of_kind("Deployment")[target]["spec"], "two would set it in turns"
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["type"] == "temporal"
    shared = of_kind("ConfigMap")["rushes-settings"]["data"]
    assert trigger["metadata"]["endpoint"] == shared["TEMPORAL_ADDRESS"]
    assert trigger["metadata"]["namespace"] == shared["TEMPORAL_NAMESPACE"]


def test_the_workers_serve_every_queue() -> None:
    served = {pod["containers"][0]["args"][-1] for name, pod in pods().items() if name.endswith("-worker")}
    assert served == set(WORKER_QUEUES)
    assert of_kind("ScaledObject")["rushes-media-worker"]["spec"]["triggers"][0]["metadata"]["taskQueue"] in served


@pytest.mark.parametrize("name", pods())
def test_every_setting_is_one_that_exists(name: str) -> None:
    assert settings_of(pods()[name]) <= known_settings() | READ_BY_BOTOCORE | {API_KEY}


def test_media_workers_know_no_database() -> None:
    assert "DATABASE_URL" not in settings_of(pods()["rushes-media-worker"])
    assert settings_of(pods()["rushes-media-worker"]) >= KEYS


def test_media_workers_get_the_keys_of_bucket_and_temporal_and_do_without_those_that_there_are_not() -> None:
    variables = pods()["rushes-media-worker"]["containers"][0]["env"]
    secret = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in variables if "valueFrom" in one}
    assert {name: source["key"] for name, source in secret.items()} == {name: name for name in (*KEYS, API_KEY)}
    assert all(source["optional"] for source in secret.values())


def test_who_scales_them_has_the_key_of_temporal_as_well() -> None:
    (trigger,) = of_kind("ScaledObject")["rushes-media-worker"]["spec"]["triggers"]
    found = of_kind("TriggerAuthentication")[trigger["authenticationRef"]["name"]]
    assert found["spec"]["secretTargetRef"] == [{"parameter": "apiKey", "name": "rushes", "key": API_KEY}]


def test_media_workers_are_taken_away_late_and_one_by_one_as_each_may_be_at_work() -> None:
    scaled = of_kind("ScaledObject")["rushes-media-worker"]["spec"]
    down = scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert 1800 <= down["stabilizationWindowSeconds"] <= 3600, "Kubernetes takes no more than an hour"
    (policy,) = down["policies"]
    assert (policy["type"], policy["value"]) == ("Pods", 1)
    assert policy["periodSeconds"] >= 300


def test_the_metrics_of_workers_are_open_to_prometheus_alone() -> None:
    policy = of_kind("NetworkPolicy")["rushes-worker-metrics"]["spec"]
    (chosen,) = policy["podSelector"]["matchExpressions"]
    workers = {name for name in of_kind("Deployment") if name.endswith("-worker")}
    assert (set(chosen["values"]), policy["policyTypes"]) == (workers, ["Ingress"])
    (rule,) = policy["ingress"]
    for name in workers:
        (container,) = of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"]
        settings = {one["name"]: one.get("value", "") for one in container["env"]}
        assert [int(settings["RUSHES_METRICS_PORT"])] == [port["port"] for port in rule["ports"]]
    assert rule["from"], "everybody may read them"


@pytest.mark.parametrize("name", pods())
def test_no_pod_runs_as_root_or_may_gain_rights_or_write_its_own_image(name: str) -> None:
    pod = pods()[name]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in pod["containers"]:
        assert container["image"] == "rushes"
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_image_has_the_version_of_the_project() -> None:
    assert kustomization()["images"] == [{"name": "rushes", "newTag": project()["project"]["version"]}]


@pytest.mark.parametrize("name", of_kind("Deployment"))
def test_selectors_and_budgets_fit_their_pods(name: str) -> None:
    deployment = of_kind("Deployment")[name]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert of_kind("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("name", ["rushes-control-worker", "rushes-media-worker"])
def test_a_stopping_worker_is_given_longer_than_its_grace(name: str) -> None:
    pod = pods()[name]
    environment = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}
    assert pod["terminationGracePeriodSeconds"] >= float(environment["RUSHES_WORKER_GRACE_SECONDS"]) + 15


def test_copies_and_the_largest_files_at_work_fit_into_the_scratch_of_a_media_worker() -> None:
    pod = pods()["rushes-media-worker"]
    environment = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}
    (scratch,) = [volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if volume["name"] == "scratch"]
    settings = of_kind("ConfigMap")["rushes-settings"]["data"]
    largest = max(int(settings[f"RUSHES_MAX_{door}_BYTES"]) for door in ("RESUMABLE", "IMPORT"))
    at_once = int(environment["RUSHES_MEDIA_SLOTS"]) + SLOTS_AT_HAND
    at_work = at_once * 2 * largest  # a file, and what is made of it
    assert int(environment["RUSHES_COPIES_BYTES"]) + at_work <= int(scratch.removesuffix("Gi")) * 1024**3


def test_as_many_senders_as_an_api_takes_fit_into_its_memory() -> None:
    (container,) = pods()["rushes-api"]["containers"]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    senders = int(environment["RUSHES_MAX_OPEN_UPLOADS"]) * 4 * MEBIBYTE
    itself = 200 * MEBIBYTE  # at rest
    memory = int(container["resources"]["limits"]["memory"].removesuffix("Gi")) * 1024 * MEBIBYTE
    assert itself + MOST_BYTES_IN_MEMORY + senders <= memory
    assert int(environment["RUSHES_MAX_OPEN_UPLOADS_OF_ONE"]) < int(environment["RUSHES_MAX_OPEN_UPLOADS"])


@pytest.mark.parametrize("name", ["rushes-api", "rushes-control-worker"])
def test_pods_of_before_stay_until_new_ones_have_their_tables(name: str) -> None:
    deployment = of_kind("Deployment")[name]["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "readinessProbe" in deployment["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("name", ["rushes-control-worker", "rushes-media-worker"])
def test_a_worker_is_restarted_for_what_itself_tells_and_not_because_temporal_is_away(name: str) -> None:
    container = pods()[name]["containers"][0]
    assert container["livenessProbe"]["exec"]["command"] == ["python", "-m", alive.__name__]
    assert alive.ALIVE_FILE in settings_of(pods()[name])
    assert container["readinessProbe"]["exec"]["command"][:2] == ["python", "/app/worker_health.py"]


def test_an_api_that_goes_still_serves_who_is_sent_to_it_before_all_have_heard() -> None:
    pod = pods()["rushes-api"]
    name, seconds = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert name == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(seconds) + 30


def test_probes_ask_for_what_the_api_has() -> None:
    container = pods()["rushes-api"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert {variable["name"]: variable.get("value") for variable in container["env"]}["RUSHES_PORT"] == str(
        container["ports"][0]["containerPort"]
    )
