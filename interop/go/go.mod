module child

go 1.24.0

require (
	github.com/fxamacker/cbor/v2 v2.9.6
	golang.org/x/sys v0.40.0
)

require github.com/x448/float16 v0.8.4 // indirect
