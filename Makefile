# The verbs that people and CI share. `make help` lists them.
#
# GATE_ARGUMENTS   handed to `shakedown gate`, such as "--only health --keep"
# SHAKEDOWN_PACKAGES=debian|nixpkgs   where Nix takes packages from; by default what fits this machine

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help init bootstrap images gate test lint fmt interface reproduce dev down sabotage bench screenshots clean

shakedown := cargo run --quiet --locked --package shakedown --
step := scripts/step

help: ## Say what each verb does
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

init: bootstrap ## Make random secrets, a certificate and compose/.env where they are missing
	@$(shakedown) init --overlay compose/s3.yaml

bootstrap: ## Make this machine fit: Nix, a container engine, seeds for the Nix store
	@scripts/bootstrap

images: bootstrap ## Build the container images with Nix into result/, and load them
	@scripts/nix build .#images --out-link result
	@$(shakedown) load

gate: init images ## Bring the stack up in containers and judge it; the report is in target/shakedown/latest/
	@$(shakedown) gate $(GATE_ARGUMENTS)

test: ## Everything that CI runs, each step held against its budget
	@$(step) --begin
	@$(step) bootstrap 180 $(MAKE) --no-print-directory bootstrap
	@$(step) image-invariants 60 nix/tests/digests-unchanged
	@$(step) hermetic 60 nix/tests/hermetic
	@$(step) bad-input 120 nix/tests/bad-input
	@$(step) images 1200 $(MAKE) --no-print-directory init images
	@$(step) dev-shell 120 scripts/nix develop --command true
	@$(step) flake-check 2400 scripts/nix flake check --print-build-logs
	@$(step) e2e 1200 cargo test --package e2e --locked
	@$(step) --summary

lint: bootstrap ## Formatting, clippy and the CI files, without a warning
	@scripts/nix fmt -- --check
	@cargo clippy --workspace --all-targets --locked -- --deny warnings
	@scripts/check-workflows

fmt: bootstrap ## Format Rust, Nix, TOML and Markdown
	@scripts/nix fmt

interface: bootstrap ## Write down anew what is asked of a package source
	@scripts/nix eval --raw .#interface.lines >nix/interface.new && mv nix/interface.new nix/interface.txt

reproduce: bootstrap ## Build the images a second time, elsewhere, and hold every byte against the first
	@scripts/reproduce

dev: ## Bring the stack up and leave it running; as processes, until Ctrl-C, where no container engine is to be had
	@scripts/bootstrap --engine-optional
	@$(shakedown) init
	@scripts/nix build .#images --out-link result
	@$(shakedown) up

down: ## Take down what `make dev` brought up
	@$(shakedown) down

sabotage: init images ## Put each defect of the catalogue in, and see that the gate notices; takes a stack each
	@cargo test --package sabotage --locked -- --ignored

bench: images ## Measure what has a bound
	@scripts/bench

screenshots: init images ## Take the README's pictures of the pages from a stack that runs for it
	@$(shakedown) screenshots

clean: ## Remove what was built here; secrets, volumes and the Nix store stay
	@cargo clean --quiet
	@rm -f result result-*
