# `make serve`: the built-in model on 127.0.0.1:8080.   `make test`: everything that is checked.   Nothing else is needed.
#
# Two environments, both made here. build/tools has what building needs (scikit-build-core, pybind11, llama.cpp's libraries);
# it is kept, so llama.cpp is compiled once, the wheel rebuilds incrementally, and the C++ tests link the same llama.cpp.
# .venv has only the finished wheel and its dependencies: what runs there runs on a machine without a compiler.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
MODEL ?=

VENV := .venv
TOOLS := build/tools
PIP := -m pip --disable-pip-version-check --quiet
# The tools' cmake and ninja come after the system's cmake, and before nothing.
export PATH := $(PATH):$(CURDIR)/$(TOOLS)/bin
export PIP_REQUIRE_VIRTUALENV := 1

SOURCES := $(shell find CMakeLists.txt cmake csrc third_party python -type f -not -path '*/__pycache__/*' 2>/dev/null)
LLAMA_PREFIX = $(shell $(TOOLS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')

.PHONY: serve test truth exporters clients fuzz compare lint cpp-test python-test check-machine clean distclean
.DEFAULT_GOAL := serve
.DELETE_ON_ERROR:

serve: $(VENV)/.serve
	@$(VENV)/bin/inferno serve $(MODEL) --host $(HOST) --port $(PORT)

test: lint cpp-test python-test

# Every architecture against transformers, anew; writes the table of docs/architectures.md. Fetches PyTorch.
truth: $(VENV)/.test
	@$(VENV)/bin/python $(PIP) install "$$(echo build/wheels/inferno-*.whl)[truth]"
	@INFERNO_TEST_WRITE_DOCS=1 $(VENV)/bin/python -m pytest tests/python/truth/test_transformers_truth.py \
	  tests/python/truth/test_peft_truth.py tests/python/truth/test_minilm_truth.py

# What Optimum and ONNX Runtime GenAI's model builder write of small folders, served. The two want different versions of
# transformers, so each has an environment of its own.
EXPORTERS := build/exporters

exporters: $(VENV)/.test $(EXPORTERS)/.ready
	@INFERNO_OPTIMUM=$(CURDIR)/$(EXPORTERS)/optimum/bin/python INFERNO_GENAI=$(CURDIR)/$(EXPORTERS)/genai/bin/python \
	  $(VENV)/bin/python -m pytest tests/python/truth/test_exporters_truth.py

$(EXPORTERS)/.ready:
	@for one in optimum genai; do test -x $(EXPORTERS)/$$one/bin/python || $(PYTHON) -m venv $(EXPORTERS)/$$one || exit 1; done
	@$(EXPORTERS)/optimum/bin/python $(PIP) install 'optimum-onnx>=0.1,<0.2' onnxruntime torch
	@$(EXPORTERS)/genai/bin/python $(PIP) install 'onnxruntime-genai>=0.18' onnx-ir onnxruntime 'transformers>=5' torch
	@touch $@

# The suites of clients that are too large for every test run, in an environment of their own.
CLIENTS := build/clients

clients: $(CLIENTS)/.ready
	@$(CLIENTS)/bin/python -m pytest -W default tests/wire/clients tests/wire/test_docs.py

$(CLIENTS)/.ready: build/.wheel
	@test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python $(PIP) install --force-reinstall --no-deps build/wheels/inferno-*.whl
	@$(CLIENTS)/bin/python $(PIP) install "$$(echo build/wheels/inferno-*.whl)[clients]"
	@touch $@

# Generated requests and readers at real servers: so many of each operation, others each time. `make test` tries a few.
FUZZ_CASES ?= 500

fuzz: $(VENV)/.test
	@INFERNO_TEST_FUZZ_CASES=$(FUZZ_CASES) $(VENV)/bin/python -m pytest tests/python/e2e/test_body_fuzz.py \
	  tests/python/e2e/test_readers.py tests/python/e2e/test_api_fuzz.py

# What a change does to speed: asv's benches (benches/asv) on HEAD and on where it parted from BASE, in turn on this machine.
# Each is built as a wheel of its own from what is committed. Ends with 1 where a bench became slower by FACTOR.
BASE ?= main
FACTOR ?= 1.2
BENCH := build/bench

compare: $(BENCH)/.ready
	@$(BENCH)/bin/asv machine --yes >/dev/null
	@base=$$(git merge-base $(BASE) HEAD) && $(BENCH)/bin/asv continuous --factor $(FACTOR) $(ASV_FLAGS) $$base HEAD

$(BENCH)/.ready: | check-machine
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python $(PIP) install 'asv>=0.6' virtualenv
	@touch $@

python-test: $(VENV)/.test
	@$(VENV)/bin/python -m pytest

lint: $(VENV)/.test
	@for check in tools/check_*.py; do $(VENV)/bin/python $$check || exit 1; done
	@$(VENV)/bin/ruff check python tests tools benches
	@$(VENV)/bin/mypy

cpp-test: $(TOOLS)/.ready
	@if printf '#include <gtest/gtest.h>\n' | $(CXX) -x c++ -E - >/dev/null 2>&1; then \
	  $(MAKE) --no-print-directory cpp-wheel cpp-asan cpp-tsan; \
	else \
	  echo "C++ tests skipped: GoogleTest is not installed (Debian and Ubuntu: apt-get install libgtest-dev)."; \
	fi

# ThreadSanitizer cannot map its memory where the kernel randomizes addresses widely: run without, where that is allowed.
NO_ASLR := $(shell setarch $$(uname -m) -R true 2>/dev/null && echo setarch $$(uname -m) -R)
cpp-tsan: RUN := $(NO_ASLR)
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
cpp-%: export INFERNO_TEST_GGUF := $(CURDIR)/build/gguf/llama-tiny.gguf
cpp-%: export INFERNO_TEST_ONNX := $(CURDIR)/build/onnx
cpp-%: export INFERNO_TEST_ONNXRUNTIME = $(shell ls $(CURDIR)/$(VENV)/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.*)
.PHONY: cpp-wheel cpp-dev cpp-asan cpp-tsan
# The objects that the wheel is linked of are tested in its own tree: what runs is what is served, and is compiled once.
cpp-wheel: $(VENV)/.test build/gguf/.ready build/onnx/.ready
	@echo "C++ tests (as built): build/wheel/log.txt"
	@{ cmake build/wheel -DINFERNO_DEVELOPER_MODE=ON && cmake --build build/wheel; } > build/wheel/log.txt 2>&1 || \
	  { tail -n 60 build/wheel/log.txt; exit 1; }
	@ctest --test-dir build/wheel --no-tests=error --output-on-failure -j $(CORES) > build/wheel/log.txt 2>&1 || \
	  { tail -n 80 build/wheel/log.txt; exit 1; }
	@grep 'tests passed' build/wheel/log.txt

cpp-dev cpp-asan cpp-tsan: cpp-%: $(TOOLS)/.ready build/gguf/.ready build/onnx/.ready
	@echo "C++ tests ($*): build/$*/log.txt"
	@mkdir -p build/$* && { cmake --preset $* "-DCMAKE_PREFIX_PATH=$(LLAMA_PREFIX)" && $(RUN) cmake --build --preset $*; } \
	  > build/$*/log.txt 2>&1 || { tail -n 60 build/$*/log.txt; exit 1; }
	@$(RUN) ctest --preset $* -j $(CORES) > build/$*/log.txt 2>&1 || { tail -n 80 build/$*/log.txt; exit 1; }
	@grep 'tests passed' build/$*/log.txt

# Models of a few hundred tokens with random weights, for the tests of the llama.cpp backend.
build/gguf/.ready: tests/data/make_gguf.py tests/data/make_mmproj.py $(VENV)/.test
	@mkdir -p build/gguf && $(VENV)/bin/python tests/data/make_gguf.py build/gguf
	@touch $@

# Small decoders of random weights as ONNX graphs, for the tests of the ONNX Runtime backend.
build/onnx/.ready: tests/data/onnx_decoders.py tests/data/hf_folders.py $(VENV)/.test
	@mkdir -p build/onnx && $(VENV)/bin/python tests/data/onnx_decoders.py build/onnx
	@touch $@

check-machine:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	  echo "Inferno needs Python 3.10 or newer as '$(PYTHON)' (or: make PYTHON=/path/to/python3.12)."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip, sysconfig' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments (Debian and Ubuntu: apt-get install python3-venv)."; exit 1; }
	@test -f "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || { \
	  echo "The headers of this Python are missing (Debian and Ubuntu: apt-get install python3-dev)."; exit 1; }
	@printf '#include <concepts>\n#include <span>\nint main() {}\n' | $(CXX) -std=c++20 -x c++ -fsyntax-only - 2>/dev/null || { \
	  echo "Inferno needs a C++20 compiler: '$(CXX)' is missing or too old (Debian and Ubuntu: apt-get install g++;" \
	       "or: make CXX=clang++)."; exit 1; }

# The build requirements are written once, in pyproject.toml. CMake is fetched only where it is missing or too old.
$(TOOLS)/.ready: pyproject.toml | check-machine
	@test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	@echo "Preparing the build (the first time compiles llama.cpp: some minutes on 2 cores)"
	@printf 'cmake_minimum_required(VERSION 3.21)\n' > build/cmake-version.cmake; \
	  cmake -P build/cmake-version.cmake >/dev/null 2>&1 || $(TOOLS)/bin/python $(PIP) install 'cmake>=3.21'
	@command -v ninja >/dev/null || $(TOOLS)/bin/python $(PIP) install ninja
	@sed -n '/^requires = \[/,/^\]/p' pyproject.toml | grep -o '"[^"]*"' | tr -d '"' > build/requires.txt
	@CMAKE_ARGS="$$CMAKE_ARGS '-DCMAKE_PROJECT_llama_cpp_INCLUDE=$(CURDIR)/third_party/llama.cpp/library_only.cmake'" \
	  $(TOOLS)/bin/python $(PIP) install -r build/requires.txt
	@touch $@

build/.wheel: $(SOURCES) $(TOOLS)/.ready README.md
	@echo "Building Inferno"
	@rm -rf build/wheels
	@$(TOOLS)/bin/python $(PIP) wheel --no-build-isolation --no-deps --wheel-dir build/wheels \
	  --config-settings=build-dir=build/wheel .
	@touch $@

$(VENV)/.serve: build/.wheel
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) install --force-reinstall --no-deps build/wheels/inferno-*.whl
	@$(VENV)/bin/python $(PIP) install build/wheels/inferno-*.whl
	@touch $@

$(VENV)/.test: $(VENV)/.serve
	@$(VENV)/bin/python $(PIP) install "$$(echo build/wheels/inferno-*.whl)[test]"
	@touch $@

# Keeps build/tools, the compiled llama.cpp.
clean:
	@find build -mindepth 1 -maxdepth 1 -not -name tools -exec rm -rf {} + 2>/dev/null || true
	@rm -rf $(VENV)

distclean: clean
	@rm -rf build
