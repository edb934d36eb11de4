package model

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
)

// toLegacy writes the binary form of b's release: prefix or none, version fields or none, tail or none.
func toLegacy(b *Booster) []byte {
	var out []byte
	put := func(values ...any) {
		for _, v := range values {
			switch v := v.(type) {
			case string:
				out = append(binary.LittleEndian.AppendUint64(out, uint64(len(v))), v...)
			case float32:
				out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
			case int:
				out = binary.LittleEndian.AppendUint32(out, uint32(v))
			case int32:
				out = binary.LittleEndian.AppendUint32(out, uint32(v))
			case int64:
				out = binary.LittleEndian.AppendUint64(out, uint64(v))
			default:
				panic(fmt.Sprintf("%T in a legacy file", v))
			}
		}
	}
	reserve := func(n int) {
		for range n {
			put(0)
		}
	}
	old := !b.Version.Known()
	if !b.Version.Before(1, 1) {
		out = append(out, "binf"...)
	}
	put(b.BaseScore[0], b.NumFeature, b.NumClass, 1)
	target := b.NumTarget
	if b.Version.Before(1, 6) {
		target = 0
	}
	if old {
		put(1)
	} else {
		put(0)
	}
	put(b.Version[0], b.Version[1], target, 0)
	reserve(25)
	put(b.Objective, b.Kind)
	forest, groups := b.NumParallelTree, 0
	if b.Version.Before(1, 6) {
		forest = 1
	}
	if old {
		groups = b.NumGroup()
	}
	if b.Kind == "gblinear" {
		put(0, groups)
		reserve(32)
		put(int64(len(b.Linear)))
		for _, w := range b.Linear {
			put(w)
		}
	} else {
		putTrees(b, put, reserve, forest, groups)
	}
	keys := slices.Sorted(maps.Keys(b.Attributes))
	if old {
		put(int64(len(keys)))
	} else {
		params := object{}
		for _, k := range slices.Sorted(maps.Keys(b.Params)) {
			params = append(params, pair{k, b.Params[k]})
		}
		put(int64(len(keys)+2), "objective", string(toJSON(object{{"name", b.Objective}, {"reg_loss_param", params}})), "metrics", "rmse;")
	}
	for _, k := range keys {
		put(k, b.Attributes[k])
	}
	if old && b.Objective == "count:poisson" {
		put(b.Params["max_delta_step"])
	}
	if old {
		put(int64(1), "rmse")
	}
	return out
}

// putTrees writes the payload of gbtree and dart.
func putTrees(b *Booster, put func(...any), reserve func(int), forest, groups int) {
	put(len(b.Trees), forest, 0, 0, int64(0), groups, 0)
	reserve(32)
	for _, t := range b.Trees {
		put(1, len(t.Left), t.NumDeleted, 0, b.NumFeature, 0)
		reserve(31)
		for n := range t.Left {
			split := uint32(t.Feature[n])
			if t.DefaultLeft[n] {
				split |= 1 << 31
			}
			put(-1, t.Left[n], t.Right[n], int(split), t.Value[n])
		}
		for n := range t.Left {
			put(t.LossChange[n], t.SumHessian[n], t.BaseWeight[n], 0)
		}
	}
	for _, g := range b.TreeGroup {
		put(g)
	}
	if b.Kind == "dart" && len(b.Trees) > 0 {
		put(int64(len(b.TreeWeight)))
		for _, w := range b.TreeWeight {
			put(w)
		}
	}
}
