"""What every pod of ours has, in every overlay: Pod Security's level restricted and more."""

import re

from tests.manifests.build import Manifest, containers, named, of_kind, pod, pod_labels, selects, workloads

Overlay = tuple[str, list[Manifest]]


def test_pods_run_as_a_numeric_user_that_is_not_root(overlay: Overlay) -> None:
    for workload in workloads(overlay[1]):
        context = pod(workload)["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] > 0 and context["runAsGroup"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_containers_can_neither_write_nor_gain_rights(overlay: Overlay) -> None:
    for workload in workloads(overlay[1]):
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_pods_have_no_token_and_an_account_of_their_own(overlay: Overlay) -> None:
    accounts = {account["metadata"]["name"]: account for account in of_kind(overlay[1], "ServiceAccount")}
    for workload in workloads(overlay[1]):
        assert pod(workload)["automountServiceAccountToken"] is False and pod(workload)["enableServiceLinks"] is False
        assert pod(workload)["serviceAccountName"] == workload["metadata"]["name"]
        assert accounts[pod(workload)["serviceAccountName"]]["automountServiceAccountToken"] is False


def test_containers_ask_for_what_they_need_and_get_no_more_memory(overlay: Overlay) -> None:
    for workload in workloads(overlay[1]):
        for container in containers(workload):
            resources = container["resources"]
            assert resources["requests"]["cpu"]
            assert resources["limits"] == {"memory": resources["requests"]["memory"]}


def test_what_serves_has_three_probes_and_readiness_is_not_liveness(overlay: Overlay) -> None:
    for workload in of_kind(overlay[1], "Deployment", "StatefulSet"):
        for container in containers(workload):
            assert container["startupProbe"]
            ready, alive = ({k: v for k, v in container[name].items() if k in ("grpc", "httpGet", "exec", "tcpSocket")} for name in PROBES)
            assert ready and alive and ready != alive


PROBES = ("readinessProbe", "livenessProbe")


def test_images_are_named_exactly(overlay: Overlay) -> None:
    for workload in workloads(overlay[1]):
        for container in containers(workload):
            assert re.fullmatch(r"[\w./-]+(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})", container["image"]), container["image"]


def test_a_rollout_never_takes_a_pod_away_first(overlay: Overlay) -> None:
    for deployment in of_kind(overlay[1], "Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_server_goes_on_until_its_callers_have_found_another(overlay: Overlay) -> None:
    """They look when their connections are ended for their age, a tenth more or less; CoreDNS keeps a name for 5 s, at kubeadm's for 30."""
    deployment = named(overlay[1], "Deployment", "payments-server")
    settings = named(overlay[1], "ConfigMap", containers(deployment)[0]["envFrom"][0]["configMapRef"]["name"])["data"]
    age, stays = 1.1 * float(settings["PAYMENTS_SERVER_MAX_CONNECTION_AGE"]), _pre_stop(deployment)
    assert stays >= age + 5
    assert stays + deployment["spec"]["minReadySeconds"] >= age + 30


def _pre_stop(deployment: Manifest) -> int:
    seconds: int = containers(deployment)[0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    return seconds


def test_the_grace_period_holds_the_whole_drain(overlay: Overlay) -> None:
    from gateway.serve import DRAIN as gateway_drain
    from server.serve import DRAIN as server_drain

    for name, drain in (("payments-server", server_drain), ("payments-gateway", gateway_drain)):
        deployment = named(overlay[1], "Deployment", name)
        # preStop, the delay that the images set, and what may be in flight.
        assert pod(deployment)["terminationGracePeriodSeconds"] >= _pre_stop(deployment) + 5 + drain + 5


def test_pods_are_spread_over_zones_and_nodes(overlay: Overlay) -> None:
    for deployment in of_kind(overlay[1], "Deployment"):
        spread = pod(deployment)["topologySpreadConstraints"]
        assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        assert all(selects(each["labelSelector"], pod_labels(deployment)) for each in spread)


def test_each_deployment_has_a_budget_and_an_autoscaler_and_no_number_of_its_own(overlay: Overlay) -> None:
    for deployment in of_kind(overlay[1], "Deployment"):
        name = deployment["metadata"]["name"]
        assert "replicas" not in deployment["spec"]
        budget = named(overlay[1], "PodDisruptionBudget", name)["spec"]
        assert selects(budget["selector"], pod_labels(deployment)) and budget["maxUnavailable"] == 1
        scaler = named(overlay[1], "HorizontalPodAutoscaler", name)["spec"]
        assert scaler["scaleTargetRef"]["name"] == name and 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
        assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] > 0


def test_production_has_a_pod_in_each_of_three_zones(overlay: Overlay) -> None:
    name, manifests = overlay
    if name == "production":
        assert all(scaler["spec"]["minReplicas"] == 3 for scaler in of_kind(manifests, "HorizontalPodAutoscaler"))


def test_settings_roll_the_pods(overlay: Overlay) -> None:
    for name in ("payments-server", "payments-gateway"):
        source = containers(named(overlay[1], "Deployment", name))[0]["envFrom"][0]["configMapRef"]["name"]
        assert re.fullmatch(rf"{name}-[0-9a-z]{{10}}", source)
        assert named(overlay[1], "ConfigMap", source)


def test_everything_is_in_the_services_namespace(overlay: Overlay) -> None:
    assert {manifest["metadata"].get("namespace") for manifest in overlay[1]} == {"payments"}


def test_no_file_has_a_secret(overlay: Overlay) -> None:
    assert not of_kind(overlay[1], "Secret")


def test_only_the_migration_knows_the_owner(overlay: Overlay) -> None:
    for workload in workloads(overlay[1]):
        name = workload["metadata"]["name"]
        if name == "postgres":
            continue
        urls = [env["value"] for container in containers(workload) for env in container.get("env", []) if env["name"] == "DATABASE_URL"]
        role = {"payments-migrate": "payments_owner", "payments-server": "payments_app"}.get(name)
        assert [url.split("//")[1].split("@")[0].split(":")[0] for url in urls] == ([role] if role else [])
