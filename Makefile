# Steps that are too long for every change, or not needed for it. Everything else is plain go: go build ./..., go test ./...

.PHONY: conformance sample golden image reliability-serve bench-serve emulate

# Every bit against 18 XGBoost releases; writes docs/conformance.md. VENVS=DIR keeps the releases, DIR=DIR the models.
conformance:
	testdata/conformance/run.sh

# The same for random cases of a few releases.
sample:
	testdata/conformance/run.sh sample

# The committed files of testdata/golden.
golden:
	testdata/golden/make.sh

# The container image's root file system, built and run without a Docker engine (as root, in a chroot).
image:
	examples/byoc/image.sh

# The assembly for AVX-512 on a processor that Bochs emulates; BOCHS is one that knows AVX-512, as its script says.
BOCHS ?= bochs
emulate:
	internal/kernel/emulate/run.sh $(BOCHS) corei7_icelake_u tigerlake sapphire_rapids

# The long tests of the server: docs/reliability.md, L13 to L17 and HOT-3. Half an hour, on a machine with nothing else to do.
reliability-serve:
	go test ./inference/serve -run 'TestSpoiltRequests|TestManyReloads|TestPiecesOfAReload|TestLong' -long -v -timeout 60m
	taskset -c 1 go test ./cmd/threatdetect -run TestOverloadProcess -overload 3m -v
	taskset -c 1 go test ./cmd/threatdetect -run TestReloadProcess -reloads 20 -v
	go test ./cmd/threatdetect -run TestDrainProcess -drains 200 -v -timeout 60m

# The server beside the Python stacks that people use; writes docs/serving.md. Eight minutes once they are installed; needs wrk.
bench-serve:
	bench/serve/run.py --out docs/serving.md
