"""The programs of `make real`, and what each needs."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# Where `tools/get_real.sh` has put Debian's programs.
ROOT = Path(os.environ.get("MEMSIGHT_REAL_ROOT", HERE.parents[2] / ".debian-real")) / "root"
FOLDERS = (
    "usr/lib/x86_64-linux-gnu",
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu/blas",
    "usr/lib/x86_64-linux-gnu/lapack",
    "usr/lib",
)
LIBRARIES = {
    "LD_LIBRARY_PATH": ":".join(f"{ROOT}/{folder}" for folder in FOLDERS),
    "PYTHONHOME": f"{ROOT}/usr",
}


@dataclass(frozen=True)
class Program:
    name: str
    # Modules that must be there.
    needs: tuple[str, ...] = ()
    # Run by `make test`, too: cheap to install, and telling.
    ci: bool = False
    # What of Debian it is run by (`debian`: Debian's Python); empty: the Python of `make real`.
    host: str = ""

    def command(self, python: str) -> list[str]:
        path = str(HERE / "programs" / f"{self.name}.py")
        if self.host == "vim":
            plain = ["-u", "NONE", "-i", "NONE", "-N", "-es"]
            return [f"{ROOT}/usr/bin/vim.nox", *plain, "-c", f"py3file {path}", "-c", "qa!"]
        if self.host == "gdb":
            return [f"{ROOT}/usr/bin/gdb", f"--data-directory={ROOT}/usr/share/gdb", "-nx", "-batch", "-x", path]
        if self.host == "postgres":
            return [python, str(HERE / "hosts/postgres.py"), str(ROOT), path]
        return [f"{ROOT}/usr/bin/python3.11" if self.host == "debian" else python, path]

    def environment(self) -> dict[str, str]:
        if self.host == "vim":
            return {**LIBRARIES, "VIMRUNTIME": f"{ROOT}/usr/share/vim/vim90"}
        return LIBRARIES if self.host in ("gdb", "debian") else {}

    def missing(self, python: str) -> str:
        """Why it cannot be run here; empty if it can."""
        if self.host and not (ROOT / "usr/bin/vim.nox").exists():
            return f"{ROOT} has no {self.host} (tools/get_real.sh)"
        code = "import importlib.util as u, sys; print(*(n for n in sys.argv[1:] if not u.find_spec(n)))"
        done = subprocess.run([python, "-c", code, *self.needs], capture_output=True, text=True, check=True)
        return f"{python} has no {', '.join(done.stdout.split())}" if done.stdout.strip() else ""


PROGRAMS = (
    Program("stdlib_codecs", ci=True),
    Program("asyncio_server", ci=True),
    Program("numpy_arrays", ("numpy",), ci=True),
    Program("pandas_frames", ("pandas",), ci=True),
    Program("lxml_documents", ("lxml",), ci=True),
    Program("sqlalchemy_session", ("sqlalchemy",), ci=True),
    Program("pydantic_models", ("pydantic",), ci=True),
    Program("gevent_server", ("gevent",), ci=True),
    Program("sqlite_store"),
    Program("pydantic_classes", ("pydantic",), ci=True),
    Program("polars_frames", ("polars",)),
    Program("pyarrow_tables", ("pyarrow",)),
    Program("django_shop", ("django",)),
    Program("flask_site", ("flask",)),
    Program("fastapi_service", ("fastapi", "httpx")),
    Program("aiohttp_server", ("aiohttp",)),
    Program("celery_worker", ("celery",)),
    Program("dask_graph", ("dask", "numpy")),
    Program("sklearn_models", ("sklearn", "scipy")),
    Program("soup_pages", ("bs4",)),
    Program("pillow_gallery", ("PIL",)),
    Program("tokenizers_model", ("tokenizers",)),
    Program("grpc_service", ("grpc", "google.protobuf")),
    Program("mypy_check", ("mypy",)),
    Program("uvloop_echo", ("uvloop",)),
    Program("packed_messages", ("orjson", "msgpack", "zstandard", "attrs", "regex")),
    Program("crypto_keys", ("cryptography",)),
    Program("networkx_graph", ("networkx",)),
    Program("cffi_structs", ("cffi",)),
    Program("duckdb_tables", ("duckdb",)),
    Program("torch_training", host="debian"),
    Program("vim_plugin", host="vim"),
    Program("gdb_session", host="gdb"),
    Program("postgresql_plpython", host="postgres"),
)
