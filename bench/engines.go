package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"threatdetect/inference"
)

// engine is one contender.
type engine struct {
	Name, Title string
	Ours        bool
	Own         bool // scores a model of its own, trained on the same rows with as many trees of the same depth
	Python      bool // called from Python: each call costs what Python's calls cost

	venv    *venv             // for those in Python or prepared by it
	library string            // of a native one: the kind that native.c calls
	skip    map[string]string // why a model is left out, by its name
	only    string            // the one model that it is for, if there is one
	start   func(r *run, m *modelFiles) (argv []string, err error)
}

// The names that tables and targets refer to.
const (
	oursName   = "ours"
	puregoName = "ours-purego"
	packedName = "ours-packed"
	old        = "xgboost-1.7.6"
	current    = "xgboost-3.2.0"
)

var engines = []*engine{
	ours(oursName, "**threatdetect**"),
	ours("ours-avx2", "threatdetect, blocks with AVX2 forced"),
	ours("ours-generic", "threatdetect, blocks in Go forced"),
	ours("ours-heap", "threatdetect, heap walker forced"),
	ours("ours-walk", "threatdetect, reference walker"),
	ours(puregoName, "**threatdetect, portable Go**"),
	packed(),
	xgboost("3.2.0"),
	xgboost("1.7.6"),
	{Name: "onedal", Title: "oneDAL (daal4py)", Python: true,
		venv: &venv{name: "onedal", packages: []string{"scikit-learn-intelex==2026.2.0"}, noDeps: []string{"xgboost==2.1.4"}}},
	{Name: "lignum", Title: "lignum", Python: true,
		venv: &venv{name: "lignum", packages: []string{"pylignum==0.3.0", "numpy"}}},
	{Name: "lignum-compiled", Title: "lignum, compiled trees", Python: true,
		venv: &venv{name: "lignum", packages: []string{"pylignum==0.3.0", "numpy"}}},
	{Name: "onnx", Title: "ONNX Runtime", Python: true,
		venv: &venv{name: "onnx", packages: []string{"onnxruntime==1.32.0", "onnxmltools==1.16.0", "skl2onnx", "numpy<2", "scipy<1.14"}, noDeps: []string{"xgboost==1.7.6"}}},
	{Name: "gtil", Title: "Treelite GTIL", Python: true, venv: treelite},
	{Name: "tl2cgen", Title: "Treelite, C by tl2cgen", venv: treelite, library: "tl2cgen"},
	{Name: "timber", Title: "timber, C", library: "timber",
		venv: &venv{name: "timber", packages: []string{"timber-compiler==0.6.0"}}},
	{Name: "leaves", Title: "leaves (Go)", start: func(r *run, m *modelFiles) ([]string, error) {
		return []string{r.self, "serve", "leaves", m.file("model.ubj"), m.rows}, nil
	}},
	{Name: "lleaves", Title: "lleaves", Own: true, library: "lleaves",
		venv: &venv{name: "lleaves", packages: []string{"lleaves==1.3.0", "llvmlite==0.44.0", "lightgbm==4.7.0"}}},
	{Name: "catboost", Title: "CatBoost", Own: true, Python: true,
		venv: &venv{name: "catboost", packages: []string{"catboost==1.2.10"}}},
	{Name: "ydf", Title: "YDF", Own: true,
		venv: &venv{name: "ydf", packages: []string{"ydf==0.16.1"}}},
}

var treelite = &venv{name: "treelite", packages: []string{"treelite==4.8.1", "tl2cgen==1.0.0"}}

// kernels are the ways of our engine to score rows, by the contender that forces it.
var kernels = map[string]inference.Kernel{
	oursName:       inference.KernelAuto,
	puregoName:     inference.KernelAuto,
	"ours-avx2":    inference.KernelAVX2,
	"ours-generic": inference.KernelGeneric,
	"ours-heap":    inference.KernelHeap,
	"ours-walk":    inference.KernelWalk,
}

// ours is our engine with the kernel that its name says.
func ours(name, title string) *engine {
	return &engine{Name: name, Title: title, Ours: true, start: func(r *run, m *modelFiles) (argv []string, err error) {
		program := r.self
		if name == puregoName {
			program, err = r.buildPurego()
		}
		return []string{program, "serve", name, m.file("model.ubj"), m.rows}, err
	}}
}

// packed is our engine with the one-hot columns as bits, which the rows of the other engines are not.
func packed() *engine {
	e := ours(packedName, "threatdetect, one-hot columns as bits")
	e.only = "a196"
	return e
}

func xgboost(release string) *engine {
	return &engine{Name: "xgboost-" + release, Title: "XGBoost " + release + ", C API", start: func(r *run, m *modelFiles) ([]string, error) {
		python, err := r.install(xgboostVenv(release))
		if err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(filepath.Dir(python), "..", "lib", "python*", "site-packages", "xgboost", "lib", "libxgboost.so"))
		if err != nil || len(found) != 1 {
			return nil, fmt.Errorf("no libxgboost.so for %s: %v", python, err)
		}
		return r.nativeWorker("xgboost", found[0], m), nil
	}}
}

// forced reports whether e is ours with a kernel that it would not always choose.
func (e *engine) forced() bool {
	return e.Ours && e.Name != oursName && e.Name != puregoName && e.Name != packedName
}

// costlyCall reports whether a call costs so much that it has to be told apart from the work.
func (e *engine) costlyCall() bool {
	return e.Python || e.Name == oursName || e.Name == old || e.Name == current
}

func (r *run) nativeWorker(kind, library string, m *modelFiles) []string {
	return []string{r.native, kind, library, m.file("model.ubj"), m.rows, fmt.Sprint(m.Columns), fmt.Sprint(m.Outputs)}
}

// command prepares e for a model and returns how to start its worker.
func (e *engine) command(r *run, m *modelFiles) (argv []string, err error) {
	if why, ok := e.skip[m.Name]; ok {
		return nil, fmt.Errorf("%s", why)
	}
	if e.start != nil {
		return e.start(r, m)
	}
	python, err := r.install(*e.venv)
	if err != nil {
		return nil, err
	}
	script := []string{python, filepath.Join(r.work, "peers", "worker.py"), e.Name}
	args := []string{m.dir, m.rows, fmt.Sprint(m.Columns), fmt.Sprint(m.Outputs), fmt.Sprint(m.Trees / m.Outputs), m.Shape}
	if err := e.prepare(r, m, slices.Concat(script, []string{"prepare"}, args)); err != nil {
		return nil, err
	}
	if e.library != "" {
		return r.nativeWorker(e.library, m.file(e.Name+".so"), m), nil
	}
	return slices.Concat(script, []string{"serve"}, args), nil
}

// prepare converts, compiles or trains, once. A failure is remembered too: some compilers need very long to fail.
func (e *engine) prepare(r *run, m *modelFiles, argv []string) error {
	done := m.file(e.Name + ".done")
	if text, err := os.ReadFile(done); err == nil {
		if why := strings.TrimSpace(string(text)); why != "" {
			r.logf("%s, %s: as before; remove %s to try again", m.Name, e.Name, done)
			return fmt.Errorf("%s", why)
		}
		return nil
	}
	r.logf("preparing %s for %s", e.Name, m.Name)
	out, err := runFor(r.patience, argv)
	why := ""
	if err != nil {
		why = firstError(out, err)
	}
	if err := os.WriteFile(done, []byte(why+"\n"), 0o644); err != nil {
		return err
	}
	if why != "" {
		return fmt.Errorf("%s", why)
	}
	return nil
}

// pinned is the version that the engine's packages are pinned to.
func (e *engine) pinned() string {
	if e.venv != nil {
		_, version, _ := strings.Cut(e.venv.packages[len(e.venv.packages)-1], "==")
		for _, p := range e.venv.packages {
			if name, v, _ := strings.Cut(p, "=="); strings.HasPrefix(name, e.Name) {
				version = v
			}
		}
		return version
	}
	return moduleVersion("github.com/dmitryikh/leaves")
}

// runFor runs a command, and all that it starts, for at most d, and returns what it printed.
func runFor(d time.Duration, argv []string) (out string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", fmt.Errorf("not ready after %v", d)
	}
	return string(text), err
}

func allNames() string {
	var names []string
	for _, e := range engines {
		names = append(names, e.Name)
	}
	return strings.Join(names, ",")
}

// chooseEngines returns ours and those that names lists, or all if it is empty.
func chooseEngines(names string) ([]*engine, error) {
	if names == "" {
		return engines, nil
	}
	wanted := strings.Split(names, ",")
	for _, name := range wanted {
		if !slices.ContainsFunc(engines, func(e *engine) bool { return e.Name == name }) {
			return nil, fmt.Errorf("no engine %q: want some of %s", name, allNames())
		}
	}
	var chosen []*engine
	for _, e := range engines {
		if e.Name == oursName || slices.Contains(wanted, e.Name) {
			chosen = append(chosen, e)
		}
	}
	return chosen, nil
}

func engineNamed(name string) *engine {
	for _, e := range engines {
		if e.Name == name {
			return e
		}
	}
	return nil
}
