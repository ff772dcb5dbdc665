"""What pyproject.toml cannot express: assets/ is installed as the package `siam.assets`, the app as `siam.dashboard`.

The app stays a folder of scripts there, as Streamlit runs it.
"""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class _Build(build_py):
    def find_package_modules(self, package, package_dir):
        return [found for found in super().find_package_modules(package, package_dir) if found[1] != "setup"]


setup(
    packages=[*find_packages(include=["siam", "siam.*"]), "siam.assets", "siam.dashboard"],
    package_dir={"siam.assets": "assets", "siam.dashboard": "."},
    package_data={
        "siam.assets": ["**/*"],
        "siam.dashboard": [".streamlit/config.toml", "pages/*.py", "ui/**/*"],
        "siam": ["**/*.css", "**/*.html"],
    },
    include_package_data=False,  # or "." would mean all files
    cmdclass={"build_py": _Build},
)
