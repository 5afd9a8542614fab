"""Package layout: three import packages from three rooms, and two of data (`resources`, the template of plugins)."""

from setuptools import find_packages, setup

ROOMS = {"core": "mien", "plugins": "mien_plugins", "desktop": "mien_desktop"}

setup(
    packages=[
        *(found for room, name in ROOMS.items() for found in find_packages(room, include=[name, f"{name}.*"])),
        "mien_resources",
        "mien_template",
    ],
    package_dir={
        **{name: f"{room}/{name}" for room, name in ROOMS.items()},
        "mien_resources": "resources",
        "mien_template": "plugins/template",
    },
    package_data={
        "mien_resources": ["**/*"],
        "mien_template": ["**/*.in"],
        "mien": ["py.typed", "**/*.ini", "**/*.mako", "**/*.html", "**/*.css"],
    },
    # Checkpoints of whoever trained a model in its place.
    exclude_package_data={"mien_resources": ["models/*/work/**", "models/*/training/**"]},
)
