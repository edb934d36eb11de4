package model

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Sizes, places and texts that somebody chose with care, each with the words of its error.
func TestHostileModels(t *testing.T) {
	const (
		model = "learner.gradient_booster.model."
		tree  = model + "trees[0]."
		param = "learner.learner_model_param."
	)
	for _, c := range []struct {
		at    string
		value raw // UBJSON
		text  string
	}{
		{tree + "left_children", "[$l#l\xff\xff\xff\xff", "array length -1 does not fit into"},
		{tree + "left_children", "[$l#L\x00\x04\x00\x00\x00\x00\x00\x00", "array length 1125899906842624 does not fit into"},
		{tree + "left_children", "[$l#L\x80\x00\x00\x00\x00\x00\x00\x00", "array length -9223372036854775808 does not fit into"},
		{tree + "left_children", "[$l#L\x40\x00\x00\x00\x00\x00\x00\x00", "array length 4611686018427387904 does not fit into"},
		{tree + "left_children", "[$l#l\x7f\xff\xff\xff", "array length 2147483647 does not fit into"},
		{tree + "left_children", "[$l#d\x3f\x80\x00\x00", "expected the array length, found marker 'd'"},
		{tree + "left_children", "[$l", "expected the number of elements, found marker 'L'"},
		{tree + "left_children", "[$Z#U\x07", "array of elements of type 'Z'"},
		{tree + "left_children", "[$[#U\x07", "array of elements of type '['"},
		{tree + "left_children", "[#i\xff", "array length -1 does not fit into"},
		{tree + "left_children", "[$l#S", "expected the array length, found marker 'S'"},
		{tree + "left_children", "{#U\x07", "expected an array, found marker '{'"},
		{tree + "left_children", "Z", "expected an array, found marker 'Z'"},
		{tree + "left_children", "[$L#U\x07\x00\x00\x00\x01\x00\x00\x00\x01" + raw(zeroBytes(48)), "integer out of the range of 32 bits"},
		{tree + "left_children", "[$d#U\x07\x3f\x00\x00\x00" + raw(zeroBytes(24)), "expected an integer"},
		{tree + "default_left", "[$S#U\x07", "array of elements of type 'S'"},
		{tree + "split_conditions", "[$d#L\x3f\xff\xff\xff\xff\xff\xff\xff", "array length 4611686018427387903 does not fit into"},
		{tree + "split_indices", "[$U#l\x00\x10\x00\x00", "array length 1048576 does not fit into"},
		{model + "trees", "[#L\x00\x00\x00\x00\x3b\x9a\xca\x00", "array length 1000000000 does not fit into"},
		{model + "trees", "[$T#L\x00\x00\x00\x00\x3b\x9a\xca\x00", "array of elements of type 'T'"},
		{model + "trees", "[$[#U\x02", "array of elements of type '['"},
		{model + "tree_info", "[$U#U\x02\x00\x07", "output 7 is not one of the 1"},
		{model + "tree_info", "[$i#U\x02\x00\xff", "output -1 is not one of the 1"},
		{"learner.objective.name", "SL\x00\x04\x00\x00\x00\x00\x00\x00", "string length 1125899906842624 does not fit into"},
		{"learner.objective.name", "Sl\xff\xff\xff\xff", "string length -1 does not fit into"},
		{"learner.objective.name", "C\x00", "objective \"\\x00\" is not supported"},
		{"learner.objective.name", "N", "expected a string, found marker 'N'"},
		{param + "base_score", "d\x3f\x00\x00\x00", "expected a string, found marker 'd'"},
		{param + "num_feature", "SU\x0a4294967299", "expected a whole number, found \"4294967299\""},
		{param + "num_feature", "SU\x1418446744073709551619", "expected a whole number, found \"18446744073709551619\""},
		{param + "num_feature", "SU\x02-1", "expected a whole number, found \"-1\""},
		{param + "num_feature", "SU\x010", "0 features, 0 classes and 1 targets: expected a feature at least"},
		{param + "num_feature", "SU\x033.0", "expected a whole number, found \"3.0\""},
		{param + "num_feature", "SU\x03 3 ", "expected a whole number, found \" 3 \""},
		{param + "num_class", "SU\x0b-2147483648", "expected a whole number, found \"-2147483648\""},
		{param + "num_target", "SU\x0a2147483647", "output groups: 2147483647 is over the limit of 10000"},
	} {
		t.Run(fmt.Sprintf("%s %.20q", c.at, c.value), func(t *testing.T) {
			doc := documentOf(tiny())
			*doc.at(c.at) = c.value
			for _, typed := range []bool{true, false} {
				var err error
				n := allocated(func() { _, err = sound(t, toUBJSON(doc, typed)) })
				require.ErrorContains(t, err, c.text)
				require.Less(t, n, int64(1<<20))
			}
		})
	}
}

func zeroBytes(n int) string { return strings.Repeat("\x00", n) }

// Archives that try to write, to overwrite, to link, to hide or to swell. Nothing is written anywhere.
func TestHostileArchives(t *testing.T) {
	t.Chdir(t.TempDir())
	good := string(toLegacy(tiny()))
	one := entry{name: "xgboost-model", body: good}
	inner := string(zip(tarOf(t, one)))
	for name, c := range map[string]struct {
		entries []entry
		text    string // "": loads
	}{
		"up twice":                 {[]entry{one, {name: "../../etc/cron.d/x", body: "x"}}, "unsafe name"},
		"up in the middle":         {[]entry{one, {name: "a/b/../../../x", body: "x"}}, "unsafe name"},
		"up at the end":            {[]entry{one, {name: "a/..", body: "x"}}, "unsafe name"},
		"only up":                  {[]entry{one, {name: "..", body: "x"}}, "unsafe name"},
		"up as a directory":        {[]entry{one, {name: "../", typ: tar.TypeDir}}, "unsafe name"},
		"root":                     {[]entry{one, {name: "/", typ: tar.TypeDir}}, "unsafe name"},
		"home of a user":           {[]entry{one, {name: "/home/user/.ssh/authorized_keys", body: "x"}}, "unsafe name"},
		"two slashes":              {[]entry{one, {name: "//server/share", body: "x"}}, "unsafe name"},
		"share":                    {[]entry{one, {name: `\\server\share`, body: "x"}}, "unsafe name"},
		"drive without slash":      {[]entry{one, {name: "c:x", body: "x"}}, "unsafe name"},
		"stream of a file":         {[]entry{one, {name: "x:y", body: "x"}}, "unsafe name"},
		"up with backslashes":      {[]entry{one, {name: `..\x`, body: "x"}}, "unsafe name"},
		"name of 256":              {[]entry{one, {name: strings.Repeat("x/", 127) + "xy", body: "x"}}, "unsafe name"},
		"up as a link":             {[]entry{one, {name: "../x", typ: tar.TypeSymlink, body: "y"}}, "unsafe name"},
		"link named by a file":     {[]entry{{name: "code/l", typ: tar.TypeSymlink, body: "/etc"}, one, {name: "code/l", body: "x"}}, "two members"},
		"link, then below it":      {[]entry{{name: "d", typ: tar.TypeSymlink, body: "/tmp"}, {name: "d/x", body: "x"}, one}, ""},
		"link to itself":           {[]entry{{name: "xgboost-model", typ: tar.TypeSymlink, body: "xgboost-model"}}, "link"},
		"hard link to a secret":    {[]entry{{name: "xgboost-model", typ: tar.TypeLink, body: "/etc/shadow"}}, "link"},
		"hard link to nothing":     {[]entry{one, {name: "zz", typ: tar.TypeLink, body: "absent"}}, ""},
		"linked manifest":          {[]entry{one, {name: "threatdetect/manifest.json", typ: tar.TypeLink, body: "x"}}, "link"},
		"linked signature":         {[]entry{one, {name: "threatdetect/manifest.sig", typ: tar.TypeSymlink, body: "x"}}, "link"},
		"block device":             {[]entry{{name: "xgboost-model", typ: tar.TypeBlock}}, "special"},
		"queue":                    {[]entry{{name: "xgboost-model-0", typ: tar.TypeFifo}}, "special"},
		"device beside":            {[]entry{one, {name: "dev/sda", typ: tar.TypeBlock}}, ""},
		"directory as the model":   {[]entry{{name: "xgboost-model/", typ: tar.TypeDir}}, "no file"},
		"model below itself":       {[]entry{{name: "xgboost-model/xgboost-model", body: good}}, "no file"},
		"archive inside":           {[]entry{{name: "xgboost-model", body: inner}}, "compressed"},
		"archive inside, bare":     {[]entry{{name: "xgboost-model", body: string(tarOf(t, one))}}, "no known form"},
		"archive beside":           {[]entry{one, {name: "more.tar.gz", body: inner}}, ""},
		"same name, other dots":    {[]entry{one, {name: "././xgboost-model", body: good}}, "two members"},
		"same name, more slashes":  {[]entry{{name: "a//b", body: "x"}, {name: "a/b", body: "x"}, one}, "two members"},
		"second model":             {[]entry{one, {name: "xgboost-model-1", body: good}}, "ensemble of 2"},
		"not a model":              {[]entry{{name: "xgboost-model", body: "\x7fELF\x02\x01\x01"}}, "xgboost-model"},
		"empty model":              {[]entry{{name: "xgboost-model"}}, "xgboost-model"},
		"pickle that runs":         {[]entry{{name: "xgboost-model", body: "cos\nsystem\n(S'touch x'\ntR."}}, `module "os"`},
		"thousand of directories":  {append(manyDirectories(maxMembers), one), "members"},
		"manifest that is no JSON": {[]entry{one, {name: "threatdetect/manifest.json", body: "{"}}, "manifest.json"},
		"manifest of other files":  {[]entry{one, {name: "threatdetect/manifest.json", body: `{"files":{"x":{"sha256":"00","size":1}},"version":1}`}}, "manifest.json"},
		"hidden model":             {[]entry{{name: ".xgboost-model", body: good}}, "no file"},
		"control characters":       {[]entry{{name: "\x1b[2Ja", body: "x"}, {name: "b", body: "x"}}, `"\x1b[2Ja", "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			file := tarOf(t, c.entries...)
			require.NoError(t, os.WriteFile("in.tar.gz", zip(file), 0o600))
			_, err := Open("in.tar.gz", nil)
			if c.text == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.text)
			}
			_, plain := Load(bytes.NewReader(file), nil)
			require.Equal(t, err == nil, plain == nil)
			left, err := filepath.Glob("*")
			require.NoError(t, err)
			require.Equal(t, []string{"in.tar.gz"}, left)
		})
	}
}

func manyDirectories(n int) (out []entry) {
	for i := range n {
		out = append(out, entry{name: fmt.Sprintf("d%d/", i), typ: tar.TypeDir})
	}
	return out
}
