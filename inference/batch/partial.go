package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"path/filepath"
)

// partial is an output that is not whole yet. It has one owner, but for its file, which is synced meanwhile.
type partial struct {
	disk   disk
	name   string
	f      file // nil before the first byte
	length int64
	from   int64     // where the unit began
	digest hash.Hash // of the unit
	made   bool      // its name has to be made durable
}

// write appends to the file, which is made if it is not there.
func (p *partial) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	var err error
	if p.f == nil {
		if err = p.disk.MkdirAll(filepath.Dir(p.name)); err == nil {
			p.f, err = p.disk.Create(p.name)
		}
		p.made = true
	}
	if err == nil {
		_, err = p.f.Write(b)
	}
	if err != nil {
		return &FileError{"write output", p.name, bare(err)}
	}
	if p.digest == nil {
		p.digest = sha256.New()
	}
	p.digest.Write(b)
	p.length += int64(len(b))
	return nil
}

// cut ends a unit.
func (p *partial) cut() extent {
	e := extent{Length: p.length, From: p.from}
	if p.digest != nil {
		e.Digest = hex.EncodeToString(p.digest.Sum(nil))
		p.digest.Reset()
	}
	p.from = p.length
	return e
}
