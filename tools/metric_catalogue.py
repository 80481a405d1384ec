"""Write what the linter knows of published metrics anew, from the npm package aws-cdk-lib.

    npm pack aws-cdk-lib && python tools/metric_catalogue.py aws-cdk-lib-*.tgz 2026-11-23

AWS generates the files ``*-canned-metrics.generated`` in it from its consoles' own lists: each metric
with every set of dimensions that it is published under. What they lack is in ``additions.json``,
with its sources, and is kept by hand.
"""

import json
import re
import sys
import tarfile
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/waypost/stack/lint/data/metrics.json"
_FILE = re.compile(r"package/aws-[\w-]+/lib/[\w-]+-canned-metrics\.generated\.(d\.ts|js)")
_DECLARED = re.compile(r"static (\w+)\(this: void, dimensions: \{([^}]*)\}\)")
_DIMENSION = re.compile(r"\"?([^\s\":;]+)\"?: string")
_DEFINED = re.compile(
    r'static (\w+)\(dimensions\)\{return\{namespace:"([^"]+)",metricName:"([^"]+)"'
)


def main(archive: Path, date: str) -> None:
    """Read the archive that ``npm pack`` made, and write the catalogue with the day it was read."""
    texts, version = _read(archive)
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, declared in texts.items():
        if not name.endswith(".d.ts"):
            continue
        defined = {
            m[1]: (m[2], m[3]) for m in _DEFINED.finditer(texts[name[: -len("d.ts")] + "js"])
        }
        for match in _DECLARED.finditer(declared):
            if match[1] in defined:
                namespace, metric = defined[match[1]]
                dimensions = ",".join(sorted(_DIMENSION.findall(match[2])))
                found[namespace][metric].add(dimensions)
    about = {
        "source": f"npm aws-cdk-lib {version}, aws-*/lib/*-canned-metrics.generated",
        "licence": "Apache-2.0",
        "read": date,
    }
    TARGET.write_text(_write(about, found), encoding="ascii")
    print(f"{sum(map(len, found.values()))} metrics of {len(found)} namespaces in {TARGET}")


def _read(archive: Path) -> tuple[dict[str, str], str]:
    texts: dict[str, str] = {}
    version = ""
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None and _FILE.fullmatch(member.name):
                texts[member.name] = file.read().decode()
            elif file is not None and member.name == "package/package.json":
                version = json.load(file)["version"]
    return texts, version


def _write(about: dict[str, str], found: dict[str, dict[str, set[str]]]) -> str:
    """Return JSON with a metric a line, so that a later catalogue is a readable difference."""
    namespaces = []
    for namespace in sorted(found):
        metrics = ",\n".join(
            f"   {json.dumps(metric)}: {json.dumps(sorted(found[namespace][metric]))}"
            for metric in sorted(found[namespace])
        )
        namespaces.append(f"  {json.dumps(namespace)}: {{\n{metrics}\n  }}")
    body = ",\n".join(namespaces)
    return f'{{\n "about": {json.dumps(about)},\n "namespaces": {{\n{body}\n }}\n}}\n'


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
