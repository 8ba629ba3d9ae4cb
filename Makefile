.DEFAULT_GOAL := help
.PHONY: help test race lint ci fuzz bench quickstart

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## the tests; those that need a server run if its DSN is set
	go test ./...

race: ## the tests under the race detector, in random order
	go test -race -shuffle=on -timeout 45m ./...

lint: ## formatting, vet, staticcheck and golangci-lint, as in CI
	.ci/run format vet tidy staticcheck golangci-lint

ci: ## every check there is, with the servers it needs (Debian, as root)
	.ci/run

fuzz: ## each fuzz target FUZZ_EXECS times (240000; the slow ones a tenth of it)
	FUZZ_EXECS=$${FUZZ_EXECS:-240000} .ci/run fuzz

bench: ## measure everything in bench/ and write the figures into docs/benchmarks.md
	cd bench && go run ./report

quickstart: ## the shop: its reads from the database and from the cache
	go run ./examples/quickstart
