"""`make bench`: run every benchmark and print its table."""

import importlib
import pkgutil

import benchmarks

for module in pkgutil.iter_modules(benchmarks.__path__):
    if module.name.startswith("bench_"):
        print(f"== {module.name.removeprefix('bench_')}")
        importlib.import_module(f"benchmarks.{module.name}").main()
