//go:build !(amd64 || arm64) || purego

package heapwalk

// Assembly tells that the walkers are assembly in this build.
const Assembly = false

const hasFar = false

func sumRowAssembly[N Node](sum float32, p *Packs[N], keys []N) float32 {
	return sumRowGeneric(sum, p, keys)
}

func sumRowsAssembly[N Node](sums []float32, p *Packs[N], keys []N) {}

func findAssembly[N Node](places []uint32, p *Packs[N], keys []N) { findGeneric(places, p, keys) }
