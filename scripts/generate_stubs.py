"""Generates claudia_core/rpc from proto/, with the versions of grpcio-tools and protobuf that constraints.txt pins.

Usage: python scripts/generate_stubs.py [--out FOLDER]
"""

import argparse
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=str(ROOT), help="the folder that holds claudia_core")
    out = parser.parse_args().out
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    well_known = str(files("grpc_tools") / "_proto")
    places = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    return int(protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *places, *sources]))


if __name__ == "__main__":
    sys.exit(main())
