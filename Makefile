# The commands of the project under the names that make users expect; each is a line of npm, docker or az.

GIT_REVISION ?= $(shell git rev-parse --short HEAD)
GIT_TAG ?= $(shell git describe --tags --abbrev=0 --always)
FUNCTION_APP_NAME ?=
RESOURCE_GROUP ?= rg-spyglass
LOCATION ?= westeurope

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*## "}; {printf "%-26s %s\n", $$1, $$2}'

.PHONY: info
info: ## Show what would be built
	@echo "GIT_REVISION: $(GIT_REVISION)"
	@echo "GIT_TAG: $(GIT_TAG)"

.PHONY: install-deps-dev
install-deps-dev: ## Install everything that development needs
	npm ci

.PHONY: install-deps
install-deps: ## Install what running needs
	npm ci --omit=dev

.PHONY: format-check
format-check: ## Check the formatting
	npm run format:check

.PHONY: format
format: ## Format every file
	npm run format

.PHONY: fix
fix: ## Format, and correct what lint can correct
	npm run lint -- --fix
	npm run format

.PHONY: lint
lint: ## Lint, and check the dependency rules
	npm run lint
	npm run lint:deps

.PHONY: test
test: ## Build and run every test
	npm test

.PHONY: ci-test
ci-test: ## Everything that a change must pass
	bash .ci/run

.PHONY: server
server: ## The whole local stack: API, agent, hub, storage and vision
	npm start

.PHONY: reset
reset: ## Forget the state of the local stack
	npm run reset

.PHONY: agent
agent: ## The device agent alone
	npm run start:device-agent

.PHONY: emulator
emulator: ## The IoT Hub emulator alone
	npm run start:iot-hub-emulator

.PHONY: bench
bench: ## Measure
	npm run bench

.PHONY: docker-build
docker-build: ## Build the images
	GIT_REVISION=$(GIT_REVISION) GIT_TAG=$(GIT_TAG) docker compose build

.PHONY: docker-run
docker-run: ## Start all containers
	docker compose up --build

.PHONY: docker-lint
docker-lint: ## Lint the Dockerfile (hadolint)
	hadolint Dockerfile

.PHONY: docker-scan
docker-scan: ## Look for known vulnerabilities in the API's image (trivy)
	trivy image spyglass/api

.PHONY: ci-test-docker
ci-test-docker: docker-lint docker-build docker-scan ## Everything that the images must pass

.PHONY: azure-deploy
azure-deploy: ## Deploy infra/ into RESOURCE_GROUP; docs/guides/azure.md names the variables
	az group create --name $(RESOURCE_GROUP) --location $(LOCATION)
	az deployment group create --resource-group $(RESOURCE_GROUP) --name spyglass --parameters infra/main.bicepparam

.PHONY: azure-functions
azure-functions: ## Run the API under a local Functions host (Azure Functions Core Tools)
	npm run functions:package
	rm -rf dist/functions && unzip -q dist/spyglass-functions.zip -d dist/functions
	cd dist/functions && func start --custom

.PHONY: azure-functions-deploy
azure-functions-deploy: ## Deploy infra/ with the API on Azure Functions
	SPYGLASS_API_HOST=functions $(MAKE) azure-deploy

.PHONY: azure-functions-publish
azure-functions-publish: ## Put the API into the function app FUNCTION_APP_NAME
	npm run functions:package
	az functionapp deployment source config-zip --resource-group $(RESOURCE_GROUP) --name $(FUNCTION_APP_NAME) --src dist/spyglass-functions.zip
