module threatdetect/examples/netflow-live

go 1.26.5

require (
	github.com/netsampler/goflow2/v2 v2.2.6
	github.com/stretchr/testify v1.12.1
	threatdetect v0.0.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace threatdetect => ../..
