package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckData(t *testing.T) {
	write := func(t *testing.T, files ...string) string {
		dir := t.TempDir()
		for i := 0; i < len(files); i += 2 {
			path := filepath.Join(dir, files[i])
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
			require.NoError(t, os.WriteFile(path, []byte(files[i+1]), 0o644))
		}
		return dir
	}
	for _, c := range []struct {
		name  string
		files []string
		want  []string // nil: right
	}{
		{"right", []string{"train.csv", "0,1\n1,2\n", "validation.csv", "1,\n0,3"}, nil},
		{"libsvm", []string{"train.libsvm", "0 0:1 5:2\n1 3:1\n"}, nil},
		{"folders", []string{"train/a.csv", "0,1\n1,2\n", "train/b.csv", "0,1\n1,2\n"}, nil},
		{"header", []string{"train.csv", "label,x\n0,1\n1,1\n"}, []string{"train.csv:1: \"label\" is no label: a header?"}},
		{"dotfile", []string{"train/.a.csv", "0,1\n", "train/b.csv", "0,1\n1,2\n"}, []string{"begins with a dot"}},
		{"sub-folder", []string{"train/x/a.csv", "0,1\n", "train/b.csv", "0,1\n1,2\n"}, []string{"is a folder"}},
		{"empty", []string{"train.csv", ""}, []string{"train.csv: is empty"}},
		{"empty line", []string{"train.csv", "0,1\n\n1,2\n"}, []string{"train.csv:2: an empty line"}},
		{"ragged", []string{"train.csv", "0,1\n1,2,3\n"}, []string{"train.csv:2: 3 columns, the rows before have 2"}},
		{"columns differ", []string{"train.csv", "0,1\n1,2\n", "validation.csv", "0,1,2\n1,2,3\n"}, []string{"validation.csv: 3 columns, train.csv has 2"}},
		{"labels", []string{"train.csv", "0,1\n3,2\n"}, []string{"labels from 0 to 3: binary:logistic wants 0 and 1"}},
		{"one label", []string{"train.csv", "0,1\n0,2\n"}, []string{"every label is 0"}},
		{"one column", []string{"train.csv", "0\n1\n"}, []string{"one column"}},
		{"mixed", []string{"train.csv", "0,1\n1,2\n", "validation.libsvm", "0 1:1\n1 0:2\n"}, []string{"all have to be alike"}},
		{"bad libsvm", []string{"train.libsvm", "0 1:x\n1 0:2\n0 0:3\n"}, []string{"train.libsvm:1: \"1:x\": want index:value"}},
		{"many", []string{"train.csv", "0,1\n" + strings.Repeat("x,1\n", 100) + "1,1\n"}, []string{"train.csv:2", "and 95 more"}},
		{"contract", []string{"train.csv", "0,1\n1,2\n", "contract.json", "{"}, []string{"contract.json:"}},
		{"gaps", []string{"train.csv", "0,,1\n1,2,\n"}, nil},
		{"gaps of old", []string{"train.csv", "0,,1\n1,2,\n"}, []string{"empty fields, which image version 1.0-1 takes for 0; want libsvm files"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse(InitFile(), "x")
			require.NoError(t, err)
			if c.name == "gaps of old" {
				s.Image.Version = "1.0-1"
			}
			dir := write(t, c.files...)
			d, err := OpenData(dir)
			require.NoError(t, err)
			err = s.CheckData(d)
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrInput)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	_, err := OpenData(t.TempDir())
	require.ErrorContains(t, err, "no train.csv")
}
