"""The part that pyproject.toml cannot express: the folder assets/ is installed as the package `siam.assets`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["siam", "siam.*"]), "siam.assets"],
    package_dir={"siam.assets": "assets"},
    package_data={"siam.assets": ["**/*"], "siam": ["**/*.css", "**/*.html"]},
)
