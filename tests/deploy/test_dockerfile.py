"""What the image is made of, read from Dockerfile and .dockerignore."""

import re

from hatchling.builders.wheel import WheelBuilder

from tests.deploy.files import ROOT, project

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def allowed() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_the_base_image_is_pinned_to_a_full_version() -> None:
    assert re.search(r"^ARG BASE_IMAGE=python:3\.11\.\d+-slim-bookworm$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE_IMAGE}"}


def test_dependencies_are_installed_by_hash() -> None:
    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert installs == ["--require-hashes -r requirements/run.txt", "--no-deps --no-build-isolation ."]


def test_the_image_runs_as_a_fixed_user_that_is_not_root() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_the_build_gets_what_the_wheel_is_made_of_and_nothing_secret() -> None:
    in_the_wheel = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    for_the_build = {"pyproject.toml", "README.md", "LICENSE", "requirements/run.txt", "deploy/worker_health.py"}
    assert allowed() == {*in_the_wheel, *for_the_build}


def test_every_module_of_the_project_is_in_the_wheel() -> None:
    in_the_wheel = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    packages = {found.parent for found in ROOT.glob("*/__init__.py")} - {ROOT / "tests", ROOT / "bench"}
    files = [*ROOT.glob("*.py"), *(file for package in packages for file in package.rglob("*.py"))]
    modules = {file.relative_to(ROOT).as_posix() for file in files}
    assert {"settings.py", "database/migrations/env.py"} <= modules
    assert modules <= in_the_wheel


def test_no_setting_that_differs_between_deployments_is_in_the_image() -> None:
    baked_in = set(re.findall(r"\b((?:RUSHES|TEMPORAL|DATABASE|POSTGRES)_[A-Z_]+)=", DOCKERFILE))
    assert baked_in == {"RUSHES_UPLOADS", "RUSHES_SCRATCH", "RUSHES_PORT"}
