package main

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed peers
var peerFiles embed.FS

// trainer is the release of XGBoost that makes the models: both measured ones read what it writes.
const trainer = "1.7.6"

// venv is a Python environment with pinned packages.
type venv struct {
	name     string
	packages []string
	noDeps   []string // packages whose requirements are not wanted: GPU libraries, mostly
}

func xgboostVenv(release string) venv {
	return venv{name: "xgb-" + release, noDeps: []string{"xgboost==" + release, "numpy<2", "scipy<1.14"}}
}

// install makes an environment if it is not there and returns its interpreter. A directory $VENVS that holds it already, as
// other scripts of the repository keep theirs, is used.
func (r *run) install(v venv) (python string, err error) {
	if shared := os.Getenv("VENVS"); shared != "" && strings.HasPrefix(v.name, "xgb-") {
		if python := filepath.Join(shared, v.name, "bin", "python"); exists(python) {
			return python, nil
		}
	}
	dir := filepath.Join(r.work, "venvs", v.name)
	python, done := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "installed")
	want := strings.Join(append(append([]string{}, v.packages...), v.noDeps...), "\n") + "\n"
	if have, err := os.ReadFile(done); err == nil && string(have) == want {
		return python, nil
	}
	r.logf("installing %s", strings.Join(strings.Fields(want), " "))
	interpreter := os.Getenv("PYTHON")
	if interpreter == "" {
		interpreter = "python3"
	}
	steps := [][]string{{interpreter, "-m", "venv", dir}}
	pip := []string{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"}
	if len(v.packages) > 0 {
		steps = append(steps, append(pip, v.packages...))
	}
	if len(v.noDeps) > 0 {
		steps = append(steps, append(append(pip, "--no-deps"), v.noDeps...))
	}
	for _, step := range steps {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("installing %s: %s", v.name, firstError(string(out), err))
		}
	}
	return python, os.WriteFile(done, []byte(want), 0o644)
}

// firstError returns the first line that says ERROR, else the last line of an output, else err.
func firstError(out string, err error) string {
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "ERROR:") {
			return strings.TrimSpace(line)
		}
	}
	if out = strings.TrimSpace(out); out != "" {
		return lastLine(out)
	}
	return err.Error()
}

// unpackPeers writes the scripts of the peers into the working directory and compiles the driver of the native ones.
func (r *run) unpackPeers() error {
	entries, err := peerFiles.ReadDir("peers")
	if err != nil {
		return err
	}
	dir := filepath.Join(r.work, "peers")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		text, err := peerFiles.ReadFile("peers/" + e.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), text, 0o644); err != nil {
			return err
		}
	}
	r.native = filepath.Join(dir, "native")
	out, err := exec.Command("cc", "-O2", "-o", r.native, filepath.Join(dir, "native.c"), "-ldl").CombinedOutput()
	if err != nil {
		return fmt.Errorf("cc native.c: %s", firstError(string(out), err))
	}
	return nil
}

// buildPurego compiles this program again without assembly and returns its path.
func (r *run) buildPurego() (string, error) {
	path := filepath.Join(r.work, "bench-purego")
	out, err := exec.Command("go", "build", "-tags", "purego", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build -tags purego: %s", firstError(string(out), err))
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
