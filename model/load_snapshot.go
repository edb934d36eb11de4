package model

import (
	"bytes"
	"encoding/binary"
)

// snapshotMark begins the memory snapshots that releases 1.0 to 1.3 put into pickles:
//
//	"CONFIG-offset:"   14 bytes
//	n                  i64, little-endian, above 0
//	model              n bytes: the legacy binary form, with "binf" in front from 1.1 on
//	configuration      JSON text: the parameters of training
//
// Other snapshots are documents, {"Config": …, "Model": …} in JSON (1.0 to 1.5) or UBJSON (since 1.6); the schema reads them.
const snapshotMark = "CONFIG-offset:"

// readSnapshot reads a snapshot around a model in the legacy form.
func readSnapshot(data []byte, opts *LoadOptions) (*Booster, error) {
	const header = len(snapshotMark) + 8
	if len(data) < header {
		return nil, &ParseError{Offset: int64(len(data)), Err: formatErrorf("the snapshot ends in its header")}
	}
	n := binary.LittleEndian.Uint64(data[len(snapshotMark):])
	if left := len(data) - header; n == 0 || n > uint64(left) {
		return nil, &ParseError{Offset: int64(len(snapshotMark)), Path: "Model",
			Err: formatErrorf("length %d does not fit into the %d bytes that are left", n, left)}
	}
	start, end := header, header+int(n)
	if bytes.HasPrefix(data[start:end], []byte(legacyMark)) {
		start += len(legacyMark)
	}
	b, _, err := readLegacy(data[:end], start, opts)
	if err != nil {
		return nil, err
	}
	config := &schema{doc: newJSONReader(data[end:]), opts: opts, b: b}
	if err := config.configuration(end); err != nil {
		return nil, err
	}
	b.Format = FormatSnapshot
	if forest := config.configForest; forest > 0 && b.Kind != kindLinear && b.Version.Before(1, 6) {
		b.NumParallelTree, b.IterationStart = forest, makeRounds(b.TreeGroup, forest)
	}
	return b, nil
}

// configuration reads the parameters of training, which begin at byte start of the snapshot and end it.
func (s *schema) configuration(start int) error {
	err := s.config()
	if err == nil && !s.opts.AllowTrailing {
		err = s.doc.End()
	}
	if err == nil {
		return nil
	}
	p := within("Config", at(s.doc.Offset(), err))
	if p.Offset >= 0 {
		p.Offset += int64(start)
	}
	return p
}

// config takes the size of the forest, which models before 1.6 do not hold themselves, out of the parameters of training. It is
// learner.gradient_booster.gbtree_train_param.num_parallel_tree, with a "gbtree" in between for dart; later it was in gbtree_model_param.
func (s *schema) config() error {
	return eachKey(s.doc, func(key []byte) error {
		switch string(key) {
		case "learner", "gradient_booster", "gbtree", "gbtree_train_param", "gbtree_model_param":
			if s.doc.IsObject() {
				return s.config()
			}
		case "num_parallel_tree":
			if s.configForest != 0 {
				return formatErrorf("the key is given twice")
			}
			return s.number(&s.configForest)
		}
		return s.doc.Skip()
	})
}
