//go:build (amd64 || arm64) && !purego

package kernel

// codeOf is the code of the leaf that a program ends in.
func codeOf(program []uint16, left func(reference uint16) bool) int {
	n := len(program)
	if n == 0 {
		return 0
	}
	half := n / 2
	if left(program[n-1]) {
		return half + 1 + codeOf(program[:half], left)
	}
	return codeOf(program[half:n-1], left)
}
