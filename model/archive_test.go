package model

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// entry is a member of an archive made for a test.
type entry struct {
	name string
	body string
	typ  byte // 0: regular
	pax  map[string]string
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.typ, Mode: 0o644, ModTime: time.Unix(1, 0), PAXRecords: e.pax}
		switch e.typ {
		case 0:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.body))
		case tar.TypeLink, tar.TypeSymlink:
			h.Linkname = e.body
		case tar.TypeXGlobalHeader:
			h = &tar.Header{Typeflag: e.typ, Name: e.name, PAXRecords: e.pax}
		}
		require.NoError(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write([]byte(e.body))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestArchives(t *testing.T) {
	model, other := string(toLegacy(tiny())), string(toJSON(documentOf(tiny())))
	var many []entry
	for i := range maxMembers {
		many = append(many, entry{name: fmt.Sprint("code/", i)})
	}
	folds := []entry{{name: "xgboost-model-10", body: model}}
	for i := range 10 {
		folds = append(folds, entry{name: fmt.Sprint("xgboost-model-", i), body: model})
	}
	bomb := strings.Repeat("\x00", 40<<20)
	for name, c := range map[string]struct {
		entries []entry
		kind    error  // nil: loads
		text    string // in the error
		member  string // the one that was chosen, if it is not xgboost-model
	}{
		"plain":                 {entries: []entry{{name: "xgboost-model", body: model}}},
		"dot slash":             {entries: []entry{{name: "./", typ: tar.TypeDir}, {name: "./xgboost-model", body: model}}},
		"after another":         {entries: []entry{{name: "notes", body: "x"}, {name: "xgboost-model", body: model}, {name: "zz", body: "x"}}},
		"AppleDouble":           {entries: []entry{{name: "._xgboost-model", body: "x"}, {name: "xgboost-model", body: model}, {name: ".DS_Store"}}},
		"code":                  {entries: []entry{{name: "code/", typ: tar.TypeDir}, {name: "code/xgboost-model", body: "x"}, {name: "xgboost-model", body: model}}},
		"other name":            {entries: []entry{{name: "model.json", body: other}}, member: "model.json"},
		"one fold":              {entries: []entry{{name: "xgboost-model-3", body: model}}, member: "xgboost-model-3"},
		"near names":            {entries: []entry{{name: "xgboost-model-", body: "x"}, {name: "xgboost-model-a", body: "x"}, {name: "xgboost-model.bak", body: "x"}, {name: "xgboost-model", body: model}}},
		"local PAX header":      {entries: []entry{{name: "xgboost-model", body: model, pax: map[string]string{"comment": "x"}}}},
		"link elsewhere":        {entries: []entry{{name: "code/link", typ: tar.TypeSymlink, body: "/etc/passwd"}, {name: "fifo", typ: tar.TypeFifo}, {name: "xgboost-model", body: model}}},
		"nothing":               {kind: ErrFormat, text: "no file in it can be a model"},
		"only directories":      {entries: []entry{{name: "code/", typ: tar.TypeDir}, {name: "code/x", body: model}}, kind: ErrFormat, text: "no file"},
		"two others":            {entries: []entry{{name: "a", body: model}, {name: "b", body: model}}, kind: ErrFormat, text: `"a", "b"`},
		"folds":                 {entries: folds, kind: ErrUnsupported, text: "ensemble of 11 models"},
		"symbolic link":         {entries: []entry{{name: "xgboost-model", typ: tar.TypeSymlink, body: "real"}, {name: "real", body: model}}, kind: ErrFormat, text: "link"},
		"hard link":             {entries: []entry{{name: "real", body: model}, {name: "xgboost-model-0", typ: tar.TypeLink, body: "real"}}, kind: ErrFormat, text: "link"},
		"device":                {entries: []entry{{name: "xgboost-model", typ: tar.TypeChar}}, kind: ErrFormat, text: "special"},
		"linked contract":       {entries: []entry{{name: "xgboost-model", body: model}, {name: "threatdetect/contract.json", typ: tar.TypeSymlink, body: "x"}}, kind: ErrFormat, text: "link"},
		"traversal":             {entries: []entry{{name: "xgboost-model", body: model}, {name: "../x", body: "x"}}, kind: ErrFormat, text: "unsafe"},
		"traversal inside":      {entries: []entry{{name: "a/../xgboost-model", body: model}}, kind: ErrFormat, text: "unsafe"},
		"absolute":              {entries: []entry{{name: "/xgboost-model", body: model}}, kind: ErrFormat, text: "unsafe"},
		"drive":                 {entries: []entry{{name: "C:/x", body: "x"}, {name: "xgboost-model", body: model}}, kind: ErrFormat, text: "unsafe"},
		"backslash":             {entries: []entry{{name: `a\b`, body: "x"}, {name: "xgboost-model", body: model}}, kind: ErrFormat, text: "unsafe"},
		"long name":             {entries: []entry{{name: strings.Repeat("x", 256), body: model}}, kind: ErrFormat, text: "unsafe"},
		"twice":                 {entries: []entry{{name: "xgboost-model", body: model}, {name: "./xgboost-model", body: model}}, kind: ErrFormat, text: "two members"},
		"twice in a directory":  {entries: []entry{{name: "xgboost-model", body: model}, {name: "a/b"}, {name: "a/b"}}, kind: ErrFormat, text: "two members"},
		"global PAX header":     {entries: []entry{{name: "pax", typ: tar.TypeXGlobalHeader, pax: map[string]string{"path": "x"}}, {name: "xgboost-model", body: model}}, kind: ErrFormat, text: "global"},
		"too many":              {entries: append(many, entry{name: "xgboost-model", body: model}), kind: ErrTooLarge, text: "members"},
		"bomb":                  {entries: []entry{{name: "xgboost-model", body: bomb}}, kind: ErrTooLarge, text: "ratio"},
		"bomb beside the model": {entries: []entry{{name: "xgboost-model", body: model}, {name: "code/x", body: bomb}}, kind: ErrTooLarge, text: "ratio"},
		"compressed twice":      {entries: []entry{{name: "xgboost-model", body: string(zip([]byte(model)))}}, kind: ErrFormat, text: "compressed"},
		"contract too large":    {entries: []entry{{name: "xgboost-model", body: model}, {name: "threatdetect/contract.json", body: bomb[:17<<20]}}, kind: ErrTooLarge},
		"no model":              {entries: []entry{{name: "xgboost-model", body: "not a model"}}, kind: ErrFormat, text: "xgboost-model: byte 0"},
	} {
		t.Run(name, func(t *testing.T) {
			file := zip(tarOf(t, c.entries...))
			b, err := LoadBundle(bytes.NewReader(file), nil)
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
				require.ErrorContains(t, err, c.text)
				require.Nil(t, b)
				return
			}
			require.NoError(t, err)
			if c.member == "" {
				c.member = "xgboost-model"
			}
			require.Equal(t, c.member, b.ArtifactName)
			require.Equal(t, data(tiny()), data(b.Booster))
			require.Equal(t, digestOf(file).SHA256, b.Digest)
			require.Equal(t, b.Digest, b.Booster.Digest)

			plain, err := Load(bytes.NewReader(tarOf(t, c.entries...)), nil) // tar without gzip
			require.NoError(t, err)
			require.Equal(t, data(tiny()), data(plain))
		})
	}
}

func TestSparseMember(t *testing.T) {
	file := tarOf(t, entry{name: "xgboost-model", body: "x"})
	file[156] = tar.TypeGNUSparse
	copy(file[257:], "ustar  \x00")
	copy(file[148:156], "        ")
	sum := 0
	for _, c := range file[:512] {
		sum += int(c)
	}
	copy(file[148:], fmt.Sprintf("%06o\x00 ", sum))
	_, err := Load(bytes.NewReader(zip(file)), nil)
	require.ErrorIs(t, err, ErrFormat)
}

func TestDamagedArchives(t *testing.T) {
	plain := tarOf(t, entry{name: "xgboost-model", body: string(toLegacy(tiny()))})
	file := zip(plain)
	check := func(name string, file []byte) {
		t.Helper()
		_, err := Load(bytes.NewReader(file), nil)
		require.ErrorIs(t, err, ErrFormat, name)
	}
	for n := range len(file) {
		check(fmt.Sprint("cut at ", n), file[:n])
	}
	check("no end of archive", zip(plain[:len(plain)-1024]))
	check("half an end of archive", zip(plain[:len(plain)-512]))
	check("data after the end", zip(append(bytes.Clone(plain), 'x')))
	check("garbage after gzip", append(bytes.Clone(file), "garbage"...))
	check("zeros after gzip", append(bytes.Clone(file), make([]byte, 512)...))
	for i := 1; i <= 8; i++ { // check sum and length of gzip
		bad := bytes.Clone(file)
		bad[len(bad)-i] ^= 1
		check("changed trailer", bad)
	}
	// zeros after the end of the archive and several gzip members are usual
	load(t, zip(append(bytes.Clone(plain), make([]byte, 10240)...)), nil)
	load(t, append(zip(plain[:1000]), zip(plain[1000:])...), nil)
}

// TestCutGzip cuts compressed models that need no archive. The model itself may be whole: without the trailer nobody knows.
func TestCutGzip(t *testing.T) {
	for _, plain := range [][]byte{toLegacy(tiny()), toJSON(documentOf(tiny()))} {
		var file bytes.Buffer
		z := gzip.NewWriter(&file)
		_, err := z.Write(plain)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		_, err = Load(bytes.NewReader(file.Bytes()), nil)
		require.NoError(t, err)
		for n := 1; n < file.Len()-4; n++ {
			_, err := Load(bytes.NewReader(file.Bytes()[:file.Len()-n]), nil)
			require.ErrorIs(t, err, ErrFormat, "%d bytes cut", n)
		}
	}
}
