# Everything a newcomer needs. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: protos
protos: ## regenerate libs/stubs from protos/
	find libs/stubs/src -name '*_pb2*' -delete
	$(BIN)/python -m grpc_tools.protoc -I protos --python_out=libs/stubs/src --grpc_python_out=libs/stubs/src \
	  --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --mypy_out=readable_stubs:libs/stubs/src \
	  --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=libs/stubs/src \
	  $$(cd protos && find postcards -name '*.proto' | sort)
