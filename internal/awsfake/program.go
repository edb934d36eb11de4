package awsfake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// sandbox is the file system of one container: a directory in the place of /.
type sandbox struct{ root string }

func newSandbox() (*sandbox, error) {
	root, err := os.MkdirTemp("", "awsfake-")
	return &sandbox{root}, err
}

func (b *sandbox) remove() { os.RemoveAll(b.root) }

// path is where a path of the container lies; one that leads out of the sandbox is an error.
func (b *sandbox) path(inside string) (string, error) {
	rel := strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(inside)), "/")
	if rel == "" {
		rel = "."
	}
	if !filepath.IsLocal(rel) {
		return "", fmt.Errorf("path %q", inside)
	}
	return filepath.Join(b.root, filepath.FromSlash(rel)), nil
}

func (b *sandbox) write(inside string, body []byte) error {
	p, err := b.path(inside)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	return os.WriteFile(p, body, 0o644)
}

func (b *sandbox) writeJSON(inside string, v any) error {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return b.write(inside, body)
}

func (b *sandbox) read(inside string) []byte {
	p, err := b.path(inside)
	if err != nil {
		return nil
	}
	body, _ := os.ReadFile(p)
	return body
}

// files lists what lies below a directory of the container, by the path from there.
func (b *sandbox) files(inside string) (map[string][]byte, error) {
	dir, err := b.path(inside)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err == nil {
			out[filepath.ToSlash(rel)], err = os.ReadFile(p)
		}
		return err
	})
	return out, err
}

// run starts our own binary as a container's entry point. There is no container: /opt/ml in arguments and environment is
// the sandbox's, and THREATDETECT_ML_ROOT says so to the program.
func (s *Server) run(b *sandbox, entrypoint, arguments []string, env map[string]string, limit time.Duration) (output string, err error) {
	if s.options.Binary == "" {
		return "", errors.New("the server was started without a program to run")
	}
	words := append(append([]string(nil), entrypoint...), arguments...)
	if len(entrypoint) > 0 {
		if base := path.Base(entrypoint[0]); base != "threatdetect" {
			return "", fmt.Errorf("exec %s: only images whose entry point is threatdetect run here", entrypoint[0])
		}
		words = words[1:]
	}
	ml := filepath.Join(b.root, "opt/ml")
	if err := os.MkdirAll(filepath.Join(ml, "output"), 0o755); err != nil {
		return "", err
	}
	inside := func(text string) string {
		if text == "/opt/ml" || strings.HasPrefix(text, "/opt/ml/") {
			return ml + strings.TrimPrefix(text, "/opt/ml")
		}
		if name, value, ok := strings.Cut(text, "="); ok && strings.HasPrefix(value, "/opt/ml/") {
			return name + "=" + ml + strings.TrimPrefix(value, "/opt/ml")
		}
		return text
	}
	for i := range words {
		words[i] = inside(words[i])
	}
	ctx, cancel := context.WithTimeout(s.closed, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.options.Binary, words...)
	cmd.Dir = b.root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.root, "TMPDIR=" + os.TempDir(), "THREATDETECT_ML_ROOT=" + ml, "NO_COLOR=1"}
	for _, k := range sortedKeys(env) {
		cmd.Env = append(cmd.Env, k+"="+inside(env[k]))
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// workTime bounds how long a program may really run.
const workTime = 5 * time.Minute

func environment(d doc) map[string]string {
	out := map[string]string{}
	for k, v := range d {
		out[k], _ = v.(string)
	}
	return out
}
