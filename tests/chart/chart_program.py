"""Helm and kubernetes-validate as a program of .venv-chart: JSON on stdin and stdout.

In: {"chart": path, "versions": ["1.34.0", ...], "cases": {name: values}}. Out, by name: the rendered templates or the
error of Helm, its findings, and what each version of Kubernetes refuses.
"""

import json
import sys

import kubernetes_validate
import yaml
from helm_python.chart import Chart, lint
from helm_python.errors import HelmError

FOREIGN = "monitoring.coreos.com/"  # of another project: kubernetes-validate has no schema of it


def refusals(manifests: dict[str, str], versions: list[str]) -> list[str]:
    found = []
    for template, text in manifests.items():
        if template.endswith(".txt"):
            continue
        for document in filter(None, yaml.safe_load_all(text)):
            if document["apiVersion"].startswith(FOREIGN):
                continue
            for version in versions:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    found.append(f"{version} {template} {document['metadata']['name']}: {error.message}")
    return found


def main() -> None:
    asked = json.load(sys.stdin)
    answers = {}
    with Chart.load(asked["chart"]) as chart:
        for name, values in asked["cases"].items():
            try:
                manifests = chart.render(values, name="feed", namespace="moodfeed", is_upgrade=False)
            except HelmError as error:
                answers[name] = {"error": str(error)}
                continue
            report = lint(asked["chart"], values, strict=True, namespace="moodfeed")
            findings = [item["error"] for item in report["messages"] if item["severity"] > 1] + report["errors"]
            answers[name] = {
                "manifests": manifests,
                "findings": findings,
                "refusals": refusals(manifests, asked["versions"]),
            }
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
