"""What pyproject.toml cannot say: the folder assets/ is the package `siam.assets` once installed."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["siam", "siam.*"]), "siam.assets"],
    package_dir={"siam.assets": "assets"},
    package_data={"siam.assets": ["**/*"], "siam": ["**/*.css", "**/*.html"]},
)
